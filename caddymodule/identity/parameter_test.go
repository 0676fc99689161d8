package identity_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

func TestAParameterIsTakenOutAndTheRestStaysByteForByte(t *testing.T) {
	for _, c := range []struct {
		name, query, left string
		values            []string
	}{
		{"no query", "", "", nil},
		{"another one", "a=1&accounts=x&my_account=y", "a=1&accounts=x&my_account=y", nil},
		{"it alone", "account=x", "", []string{"x"}},
		{"it first", "account=x&a=%2f%zz&&b", "a=%2f%zz&&b", []string{"x"}},
		{"it in the midst", "a=1&account=x&b=2", "a=1&b=2", []string{"x"}},
		{"it last", "a=1&&account=x", "a=1&", []string{"x"}},
		{"it last, with a separator behind", "a=1&account=x&", "a=1&", []string{"x"}},
		{"an escaped value", "account=a%20b%26c+d", "", []string{"a b&c d"}},
		{"a value with an equals sign", "account=a=b", "", []string{"a=b"}},
		{"without a value", "a&account", "a", []string{""}},
		{"twice", "account=x&a=1&account=y", "a=1", []string{"x", "y"}},
		{"the same twice", "account=x&account=x", "", []string{"x", "x"}},
		{"an escaped name", "%61ccoun%74=x&a=1", "a=1", []string{"x"}},
		{"a name that is escaped twice, which is another", "%2561ccount=x", "%2561ccount=x", nil},
		{"a name in other letters, which is another", "Account=x&ACCOUNT=y", "Account=x&ACCOUNT=y", nil},
		{"a name with a bracket, which is another", "account[]=x&account[a]=y", "account[]=x&account[a]=y", nil},
		{"as a value", "a=account&b=account=x", "a=account&b=account=x", nil},
		{"behind a semicolon, which some take for a separator", "a=1;account=x&b=2", "a=1;b=2", []string{"x", "x"}},
		{"before one", "account=x;y=1", "y=1", []string{"x", "x"}},
		{"last, behind one", "a=1;account=x", "a=1", []string{"x", "x"}},
		{"an escaped semicolon, which is a part of it", "account=x%3By", "", []string{"x;y"}},
		{"an escape that is none", "account=%zz&a=1", "a=1", []string{"", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			left, values := identity.TakeParameter(c.query, "account")
			if left != c.left || !slices.Equal(values, c.values) || (values == nil) != (c.values == nil) {
				t.Errorf("left is %q, and the values are %q", left, values)
			}
		})
	}
}

func FuzzTakeParameter(f *testing.F) {
	for _, query := range []string{"account=x", "a=1&account=x", "a;account=x;b", "%61ccount=x&account", "&&account=&", "account=%zz", "=account&;;"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		left, values := identity.TakeParameter(query, "account")
		if _, again := identity.TakeParameter(left, "account"); again != nil {
			t.Errorf("of %q is left %q, which still has it", query, left)
		}
		if values == nil && left != query {
			t.Errorf("%q has none, and %q is left", query, left)
		}
		read, _ := url.ParseQuery(left)
		if read.Has("account") {
			t.Errorf("of %q is left %q, where others read it", query, left)
		}
		for rest := query; left != ""; { // what is left stood there, in that order
			at := strings.IndexByte(rest, left[0])
			if at < 0 {
				t.Fatalf("%q was not there, or not in this order", left)
			}
			left, rest = left[1:], rest[at+1:]
		}
	})
}
