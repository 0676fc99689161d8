package web

import (
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestWhichFieldsAreKept(t *testing.T) {
	long := strings.Repeat("x", keptValue)
	for _, c := range []struct {
		name, body string
		fields     []Field
		leftOut    []string
		lost       Lost
	}{
		{"none", "", nil, nil, ""},
		{"in order, also of one name", "b=1&a=2&b=3", []Field{{Name: "b", Value: "1"}, {Name: "a", Value: "2"}, {Name: "b", Value: "3"}}, nil, ""},
		{"escaped ones", "n%C3%A4me%5B%5D=a+b%26%3Cc%3E%0D%0Ad", []Field{{Name: "näme[]", Value: "a b&<c>\r\nd"}}, nil, ""},
		{"empty ones", "a=&b", []Field{{Name: "a"}, {Name: "b"}}, nil, ""},
		{"what may be secret is not", "a=1&Password=x&user%5BPWD%5D=x&client_secret=x&csrf_token=x&totp=x&card_number=x&cvv2=x&PIN=x&b=2",
			[]Field{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}, []string{"Password", "user[PWD]", "client_secret", "csrf_token", "totp", "card_number", "cvv2", "PIN"}, ""},
		{"nor in letters that are others' capitals", "pa%C5%BF%C5%BFword=x&p%C4%B1n=x&to%E2%84%AAen=x", nil, []string{"paſſword", "pın", "to\u212aen"}, ""},
		{"nor in letters that are two others", "Pa%C3%9Fwort=x&PA%E1%BA%9EWORT=x&P%C4%B0N=x", nil, []string{"Paßwort", "PAẞWORT", "PİN"}, ""},
		{"nor what is so by a word of it", "cvc=x&cardCsc=x&cv2=x&user%5Bpw%5D=x&kennwort=x&Geheimzahl=x&sms-tan=x&mfa=x&ssn=x&smsCode=x&SECURITY_CODE=x&apiKey=x&apikey=x&user.private.key=x", nil,
			[]string{"cvc", "cardCsc", "cv2", "user[pw]", "kennwort", "Geheimzahl", "sms-tan", "mfa", "ssn", "smsCode", "SECURITY_CODE", "apiKey", "apikey", "user.private.key"}, ""},
		{"nor in letters of full width", "%EF%BD%90ass=x", nil, []string{"\uff50ass"}, ""},
		{"nor in one letter that stands for many", "%EF%B7%BA=x", nil, []string{"\ufdfa"}, ""},
		{"nor with what nobody sees in it", "pa%C2%ADss=x&t%E2%80%8Ban=x&p%CD%8Fw=x&m%EF%B8%8Ffa=x", nil, []string{"pa\u00adss", "t\u200ban", "p\u034fw", "m\ufe0ffa"}, ""},
		{"what only has such letters in it is", "umfang=1&instanz=2&classname=3&product_code=4&keyboard=5",
			[]Field{{Name: "umfang", Value: "1"}, {Name: "instanz", Value: "2"}, {Name: "classname", Value: "3"}, {Name: "product_code", Value: "4"}, {Name: "keyboard", Value: "5"}}, nil, ""},
		{"as a part of a word", "shipping=x&passenger=x", nil, []string{"shipping", "passenger"}, ""},
		{"a value of that name is", "a=password", []Field{{Name: "a", Value: "password"}}, nil, ""},
		{"the charset that browsers fill in", "_charset_=UTF-8", []Field{{Name: "_charset_", Value: "UTF-8"}}, nil, ""},
		{"as many as there may be", "a=1" + strings.Repeat("&a=1", keptFields-1), slices.Repeat([]Field{{Name: "a", Value: "1"}}, keptFields), nil, ""},
		{"a long name", strings.Repeat("x", keptName) + "=1", []Field{{Name: strings.Repeat("x", keptName), Value: "1"}}, nil, ""},
		{"a long value", "a=" + long, []Field{{Name: "a", Value: long}}, nil, ""},

		{"one too many", strings.Repeat("a=1&", keptFields) + "a=1", nil, nil, LostSize},
		{"a name that is too long", strings.Repeat("x", keptName+1) + "=1", nil, nil, LostSize},
		{"a value that is too long", "a=" + long + "x", nil, nil, LostSize},
		{"more HTML than a page may have", strings.Repeat("a="+strings.Repeat("%22", keptText/50)+"&", 11), nil, nil, LostSize},
		{"another charset", "_charset_=windows-1252&a=1", nil, nil, LostKind},
		{"bytes that are no UTF-8", "a=%E4", nil, nil, LostKind},
		{"such a name", "%E4=1", nil, nil, LostKind},
		{"NUL", "a=b%00c", nil, nil, LostKind},
		{"line breaks that no form has", "a=b%0Ac", nil, nil, LostKind},
		{"others", "a=b%0D%0D%0Ac", nil, nil, LostKind},
		{"an escape that is none", "a=%zz", nil, nil, LostKind},
		{"a field without a name", "a=1&=2", nil, nil, LostKind},
		{"what no browser leaves as it is", "a=<b>", nil, nil, LostKind},
		{"a semicolon", "a=1;b=2", nil, nil, LostKind},
		{"a line break", "a=1\r\n", nil, nil, LostKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			fields, leftOut, lost := ReadForm(c.body)
			if !slices.Equal(fields, c.fields) || !slices.Equal(leftOut, c.leftOut) || lost != c.lost {
				t.Errorf("kept %.200q, left out %q, lost by %q", fields, leftOut, lost)
			}
		})
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// FuzzKeptForm: what a page holds is what came, but for secrets, and nothing in it is
// more than text.
func FuzzKeptForm(f *testing.F) {
	for _, body := range []string{"a=1&b=2", "a=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%3Cb%3E=1", "password=x&a=1", "a=%0D%0A", "a=%EF%BF%BD%E2%80%A8", "a=%26amp%3B&a=%27", "a=%7B%7B.%7D%7D"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		fields, leftOut, lost := ReadForm(body)
		if lost != "" {
			if fields != nil || leftOut != nil {
				t.Fatalf("%q is lost, and kept are %q and %q", body, fields, leftOut)
			}
			return
		}
		w := httptest.NewRecorder()
		KeptForm{Action: "/orders?of=7", Login: "/auth/login", Fields: fields, LeftOut: leftOut}.Write(w, View{})
		page := w.Body.String()
		if n := strings.Count(page, "<"); n != strings.Count(emptyPage(len(fields), len(leftOut)), "<") {
			t.Errorf("%q writes into the page:\n%s", body, page)
		}
		sent := make([]string, 0, len(fields))
		for _, m := range hidden.FindAllStringSubmatch(page, -1) {
			name := html.UnescapeString(m[1])
			if isSecret(name) {
				t.Errorf("%q is kept", name)
			}
			sent = append(sent, url.QueryEscape(name)+"="+url.QueryEscape(html.UnescapeString(m[2])))
		}
		want := make([]string, len(fields))
		for i, f := range fields {
			want[i] = url.QueryEscape(f.Name) + "=" + url.QueryEscape(f.Value)
		}
		if !slices.Equal(sent, want) {
			t.Errorf("%q comes to %q and not %q", body, sent, want)
		}
	})
}

// emptyPage is one of as many fields, all of them plain.
func emptyPage(fields, leftOut int) string {
	w := httptest.NewRecorder()
	KeptForm{Action: "/", Login: "/", Fields: slices.Repeat([]Field{{Name: "a", Value: "b"}}, fields), LeftOut: slices.Repeat([]string{"a"}, leftOut)}.Write(w, View{})
	return w.Body.String()
}
