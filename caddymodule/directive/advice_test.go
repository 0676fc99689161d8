package directive

import "testing"

func TestNearest(t *testing.T) {
	for name, c := range map[string]struct {
		word  string
		names []string
		want  string
	}{
		"a letter too many":                      {"roles", []string{"role", "public"}, "role"},
		"a letter missing":                       {"publc", []string{"role", "public"}, "public"},
		"another letter":                         {"headers", []string{"header2", "hewders"}, ""},
		"two letters in another order":           {"lifetmie", []string{"lifetime", "idle_timeout"}, "lifetime"},
		"two slips in a long word":               {"idel_timeot", []string{"idle_timeout", "lifetime"}, "idle_timeout"},
		"two slips in a short one":               {"rloes", []string{"role"}, ""},
		"capitals":                               {"Role", []string{"role"}, "role"},
		"nothing near":                           {"colour", []string{"role", "public"}, ""},
		"one that shares nothing but its length": {"ca", []string{"id"}, ""},
		"no names":                               {"role", nil, ""},
		"two that are as near, of which none is": {"cat", []string{"car", "can"}, ""},
		"the nearer of two":                      {"team", []string{"teams", "teamss"}, "teams"},
		"a name beyond ASCII, by its characters": {"büros", []string{"büro"}, "büro"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := Nearest(c.word, c.names); got != c.want && ok || ok != (c.want != "") {
				t.Errorf("%q; want %q", got, c.want)
			}
		})
	}
}

func TestSlip(t *testing.T) {
	for name, c := range map[string]struct {
		word, known string
		want        bool
	}{
		"a letter missing":                        {"admn", "admin", true},
		"a letter too many":                       {"adminn", "admin", true},
		"two in another order":                    {"amdin", "admin", true},
		"another letter, which may be on purpose": {"team-a", "team-b", false},
		"another word":                            {"viewer", "editor", false},
		"itself":                                  {"admin", "admin", false},
		"short names, which are easily near":      {"hr", "h", false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := Slip(c.word, []string{c.known}); ok != c.want {
				t.Errorf("%v; want %v", ok, c.want)
			}
		})
	}
}

func TestAdviceAboutUnknownOptions(t *testing.T) {
	none := func() map[string]Option { return map[string]Option{} }
	for name, c := range map[string]struct {
		block, word string
		options     map[string]Option
		want        string
	}{
		"a slip":                  {"session_auth", "publc", map[string]Option{"public": nil, "role": nil}, "unrecognized session_auth subdirective 'publc': did you mean `public`?"},
		"an option of another":    {"session_auth", "lifetime", map[string]Option{"public": nil}, "unrecognized session_auth subdirective 'lifetime': it is an option of the global block `sidegate { ... }`"},
		"an option of two others": {"sidegate", "sentinel", map[string]Option{"store": nil}, "unrecognized sidegate subdirective 'sentinel': it is an option of `store redis <url> { ... }`"},
		"nothing like it":         {"token", "colour", map[string]Option{"ttl": nil, "off": nil}, "unrecognized token subdirective 'colour': there are off, ttl"},
		"where there are none":    {"store memory", "size", none(), "unrecognized store memory subdirective 'size': it takes no block"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := unknown(c.block, c.word, c.options); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}
