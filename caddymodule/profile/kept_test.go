package profile_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
)

func TestKept(t *testing.T) {
	t.Run("what a login keeps comes back as it was", func(t *testing.T) {
		k := &profile.Kept{
			Facts:           profile.Facts{"token": map[string]any{"sub": "a1", "n": int64(1) << 60, "f": 1.5, "on": true, "groups": []any{"x", "y"}}},
			RefreshToken:    "refresh",
			IDToken:         "id",
			Access:          &profile.AccessToken{Token: "access", At: 1, Until: 2},
			UpstreamToken:   "upstream",
			UpstreamCookies: []string{"app=1"},
		}
		text, err := k.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := profile.DecodeKept(text)
		if err != nil || !reflect.DeepEqual(back, k) {
			t.Errorf("got %v, %v", back.Facts, err)
		}
	})
	t.Run("nothing is kept as nothing", func(t *testing.T) {
		text, err := (*profile.Kept)(nil).Encode()
		back, backErr := profile.DecodeKept(text)
		if text != "" || err != nil || back != nil || backErr != nil {
			t.Errorf("got %q, %v, %v, %v", text, err, back, backErr)
		}
	})
	t.Run("more than a session should carry is refused with the next step", func(t *testing.T) {
		_, err := (&profile.Kept{IDToken: strings.Repeat("x", profile.MaxKept)}).Encode()
		if err == nil || !strings.Contains(err.Error(), "let the source answer with less") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("what is damaged is an error that repeats nothing of it", func(t *testing.T) {
		_, err := profile.DecodeKept(`{"refresh_token":"canary"`)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("printed it says nothing", func(t *testing.T) {
		k := profile.Kept{RefreshToken: "canary", Facts: profile.Facts{"token": "canary"}, Access: &profile.AccessToken{Token: "canary"}}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if printed := fmt.Sprintf(verb+verb, &k, k.Access); strings.Contains(printed, "canary") {
				t.Errorf("%s prints %s", verb, printed)
			}
		}
	})
}

func TestFacts(t *testing.T) {
	t.Run("adding one changes no other's facts", func(t *testing.T) {
		facts := profile.Facts{"token": "t"}
		with := facts.With("directory", "d")
		if len(facts) != 1 || with["token"] != "t" || with["directory"] != "d" {
			t.Errorf("facts %v, with %v", facts, with)
		}
		if with := profile.Facts(nil).With("a", 1); with["a"] != 1 {
			t.Errorf("with %v", with)
		}
	})
	for _, c := range []struct {
		name, json string
		want       any
	}{
		{"a whole number is an int64", `9007199254740993`, int64(9007199254740993)},
		{"a fraction is a float64", `1.5`, 1.5},
		{"a whole number with a point is an int64, as it will be when it was kept", `[1.0,-2e3]`, []any{int64(1), int64(-2000)}},
		{"a number beyond int64 is a float64", `1e300`, 1e300},
		{"space around it is no part of it", " {} \r\n", map[string]any{}},
		{"null in an object is left out", `{"a":null,"b":{"c":null}}`, map[string]any{"b": map[string]any{}}},
		{"null in a list is left out", `[null,1,[null]]`, []any{int64(1), []any{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := profile.DecodeFact([]byte(c.json)); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, c.want)
			}
		})
	}
	for name, text := range map[string]string{
		"text that is not JSON":        `<html>canary`,
		"nothing":                      ``,
		"JSON with something behind":   `{} canary`,
		"JSON with a bracket behind":   `{"canary":1}]`,
		"a number beyond any":          `1e999`,
		"an object nested without end": strings.Repeat(`{"canary":`, 40) + `1` + strings.Repeat(`}`, 40),
		"a list nested beyond any":     strings.Repeat(`[`, 1<<20),
	} {
		t.Run(name+" is refused and not repeated", func(t *testing.T) {
			_, err := profile.DecodeFact([]byte(text))
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("error is %v", err)
			}
		})
	}
}
