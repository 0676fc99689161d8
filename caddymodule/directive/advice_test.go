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

// Among a few words it takes less to know which was meant.
func TestAWordOfAChoiceIsKnownInSpiteOfTwoSlips(t *testing.T) {
	logins := []string{"app", "oidc", "users"}
	for word, want := range map[string]string{
		"opid": "oidc", "oicd": "oidc", "user": "users", "usres": "users", "OIDC": "oidc", "ap": "app", "ldap": "", "saml": "", "x": "", "": "",
	} {
		if got, ok := nearestOfFew(word, logins); got != want && ok || ok != (want != "") {
			t.Errorf("%q: %q; want %q", word, got, want)
		}
	}
}

// A secret that stands where a word should is not to be in a terminal or a log.
func TestWhatMayBeASecretIsNotRepeated(t *testing.T) {
	for _, c := range []struct {
		word        string
		name, value bool // may be repeated
	}{
		{"idle_timeout", true, true}, {"trust_unverified_email", true, true}, {"oldest", true, true}, {"ES256", false, true}, {"form-post", false, true},
		{"10s", false, true}, {"hunter2", false, true}, {"deadbeefdeadbeefdeadbeefdeadbeef", false, false}, {"cafe0123", false, true},
		{"Not+To/Be=", false, false}, {"correct_horse_battery_staple", false, false}, {"https://u:p@host", false, false}, {"p@ss", false, false},
	} {
		if isName(c.word) != c.name || isPlain(c.word) != c.value {
			t.Errorf("%s: as a name %v, as a value %v", c.word, isName(c.word), isPlain(c.word))
		}
	}
}

func TestSlip(t *testing.T) {
	for name, c := range map[string]struct {
		word, known string
		want        bool
	}{
		"a letter missing":                        {"admn", "admin", true},
		"a letter too many":                       {"addmin", "admin", true},
		"a letter too many in front":              {"aadmin", "admin", true},
		"a letter more at the end":                {"admins", "admin", false},
		"a letter less at the end":                {"user", "users", false},
		"another plural":                          {"Kunden", "Kunde", false},
		"a longer number":                         {"team10", "team1", false},
		"a number":                                {"team", "team1", false},
		"a number within":                         {"te1am", "team", false},
		"numbers in another order":                {"team12", "team21", false},
		"a sign within":                           {"foo-bar", "foobar", false},
		"two in another order":                    {"amdin", "admin", true},
		"another letter, which may be on purpose": {"team-a", "team-b", false},
		"another word":                            {"viewer", "editor", false},
		"itself":                                  {"admin", "admin", false},
		"another case of letters":                 {"Admin", "admin", true},
		"another case of a short name":            {"HR", "hr", true},
		"another case, and a letter missing":      {"Admn", "admin", true},
		"short names, which are easily near":      {"hr", "h", false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := Slip(c.word, []string{c.known}); ok != c.want {
				t.Errorf("%v; want %v", ok, c.want)
			}
		})
	}
}

func TestOtherLetter(t *testing.T) {
	for name, c := range map[string]struct {
		word, known string
		want        bool
	}{
		"another letter":                         {"admjn", "admin", true},
		"another letter at the end":              {"admim", "admin", true},
		"another letter in a name of parts":      {"orders:raed", "orders:read", false},
		"another letter in a part":               {"orders:reed", "orders:read", true},
		"another letter, in another case":        {"Admjn", "admin", true},
		"two others":                             {"adnjn", "admin", false},
		"a letter missing, which is a Slip":      {"admn", "admin", false},
		"numbers":                                {"team1", "team2", false},
		"a number for a letter":                  {"teams", "team2", false},
		"letters that stand alone at the end":    {"dev-a", "dev-b", false},
		"letters that stand alone, at the front": {"a:dev", "b:dev", false},
		"letters that stand alone, in between":   {"eu-a-dev", "eu-b-dev", false},
		"capitals at the end":                    {"teamA", "teamB", false},
		"short names":                            {"dev", "dew", false},
		"itself":                                 {"admin", "admin", false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := OtherLetter(c.word, []string{c.known}); ok != c.want {
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
		"a part of one":           {"sidegate", "idle", map[string]Option{"idle_timeout": nil, "lifetime": nil}, "unrecognized sidegate subdirective 'idle': did you mean `idle_timeout`?"},
		"a part of two":           {"store redis", "timeout", map[string]Option{"read_timeout": nil, "write_timeout": nil}, "unrecognized store redis subdirective 'timeout': it is an option of `login app <name> <url> { ... }`, and an option of `login adopt <name> <url> { ... }`, and an option of `directory http <name> <url> { ... }`"},
		"an option of Caddy's":    {"sidegate", "trusted_proxies", map[string]Option{"store": nil}, "unrecognized sidegate subdirective 'trusted_proxies': it is an option of Caddy's global block `servers { ... }`"},
		"a directive":             {"sidegate", "session_auth", map[string]Option{"store": nil}, "unrecognized sidegate subdirective 'session_auth': it is a directive, in the block of a site"},
		"what may be a secret":    {"token", "Not+To/Be", map[string]Option{"ttl": nil}, "unrecognized token subdirective: there is ttl"},
		"a slip, of another too":  {"sidegate", "public", map[string]Option{"public_url": nil}, "unrecognized sidegate subdirective 'public': did you mean `public_url`? Else it is an option of `session_auth { ... }`, and an option of `path <pattern>... { ... }` in session_auth, and an option of `policy <name> { ... }` in the global block `sidegate`"},
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
