package identity_test

import (
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

func TestAnOverrideIsTakenOutOfTheQueryHoweverItIsSpelled(t *testing.T) {
	for query, want := range map[string]string{
		"":                            "",
		"a=1&b=2":                     "a=1&b=2",
		"_method=DELETE":              "",
		"a=1&_method=DELETE":          "a=1",
		"_method=DELETE&a=1":          "a=1",
		"a=1;_method=DELETE;b=2":      "a=1;b=2",
		"%5Fmethod=DELETE&a=%26":      "a=%26",
		"%5fm%65thod=DELETE":          "",
		".method=DELETE":              "",
		"+method=DELETE&a=1":          "+method=DELETE&a=1", // PHP reads method
		"++_method=DELETE&a=1":        "a=1",
		"[method=DELETE":              "",
		"_method[]=DELETE":            "",
		"_METHOD=DELETE":              "",
		"_method%00x=DELETE":          "",
		"_method":                     "",
		"a=1&_method=PUT&_method=PUT": "a=1",
		"_methods=a&my_method=b":      "_methods=a&my_method=b",
		"a=_method=DELETE":            "a=_method=DELETE",
		"%zz_method=x&b=%zz":          "%zz_method=x&b=%zz",
	} {
		if left, had := identity.WithoutOverride(query); left != want || had != (query != want) {
			t.Errorf("of %q is left %q; want %q", query, left, want)
		}
	}
}
