package web

import (
	"reflect"
	"slices"
	"strings"
)

// varied are the ways in which what people have in the place of a sample differs from it:
// a template that cuts a name to eight letters fails for who has seven.
var varied = []variation{
	{text: func(string) string { return "a" }, path: "/", list: 1},
	{text: func(s string) string { return s + strings.Repeat(" and then some", 40) }, path: "/" + strings.Repeat("long/", 300), list: 2},
	{text: func(string) string { return "" }},
	{text: func(string) string { return "Ä" }, path: "/?q=%C3%84", list: 2}, // two bytes, and one letter
	{text: func(string) string { return "李小龙 <مرحبا> \"🙂\" & 'Ünï'" }, path: "/%E6%9D%8E?a=b&c=d", list: 2},
}

// variation is one of them.
type variation struct {
	// text is what stands for a text, and path where something leads back to.
	text func(string) string
	path string
	// list is how many there are of what there are several of, for one each.
	list int
}

// fixed are the texts that the gateway itself has written: they have one form.
var fixed = []string{"Base", "Href", "Action", "Login", "To", "Back"}

// of is the sample with other values. What it leaves empty stays so: that is what it is
// a sample of.
func (v variation) of(sample any) any {
	changed := reflect.New(reflect.TypeOf(sample)).Elem()
	changed.Set(reflect.ValueOf(sample))
	v.change("", changed)
	return changed.Interface()
}

func (v variation) change(name string, at reflect.Value) {
	switch at.Kind() { //nolint:exhaustive // numbers and the like have no form
	case reflect.Struct:
		for i := range at.NumField() {
			if field := at.Type().Field(i); field.IsExported() {
				v.change(field.Name, at.Field(i))
			}
		}
	case reflect.Slice:
		if before := at.Len(); before > 0 {
			// The sample's own list is shared by all that are made of it.
			list := reflect.MakeSlice(at.Type(), v.list, v.list)
			for i := range v.list {
				list.Index(i).Set(at.Index(i % before))
				v.change(name, list.Index(i))
			}
			at.Set(list)
		}
	case reflect.String:
		if text := v.textFor(name, at); text != "" || name != "ID" { // what has an ID is known by it
			at.SetString(text)
		}
	}
}

func (v variation) textFor(name string, at reflect.Value) string {
	text := at.String()
	_, free := at.Interface().(string)
	where, is := at.Interface().(Elsewhere)
	switch {
	case text == "" || slices.Contains(fixed, name):
		return text
	case name == "ReturnTo":
		return v.path
	case free || is && where.Named():
		return v.text(text)
	}
	return text
}
