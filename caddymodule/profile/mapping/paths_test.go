package mapping_test

import "testing"

func TestWhatAFieldCarries(t *testing.T) {
	for name, c := range map[string]struct {
		rules []string // fields and expressions
		want  bool     // that the email carries what was typed
	}{
		"nothing is mapped":                      {nil, true},
		"what the app says":                      {[]string{"email", "login.body.mail"}, false},
		"what was typed":                         {[]string{"email", "login.username"}, true},
		"what was typed, with more":              {[]string{"email", "login.username + '@corp.example'"}, true},
		"what was typed, where it is there":      {[]string{"email", "login.?username.orValue('')"}, true},
		"what was typed, in brackets":            {[]string{"email", `login["username"]`}, true},
		"what was typed, by a condition":         {[]string{"email", "login.username == 'root' ? 'root@corp.example' : login.body.mail"}, true},
		"all that there is":                      {[]string{"email", "login.map(k, k)[0]"}, true},
		"the subject":                            {[]string{"email", "identity.subject"}, true},
		"the user name":                          {[]string{"email", "identity.username + '@corp.example'"}, true},
		"what was typed, by way of the name":     {[]string{"name", "login.username", "email", "identity.name"}, true},
		"what was typed, by way of two fields":   {[]string{"name", "login.username", "created_by", "identity.name", "email", "identity.created_by"}, true},
		"the address itself, which was typed":    {[]string{"email", "identity.email"}, true},
		"a name that the app says":               {[]string{"name", "login.body.name", "email", "identity.name + '@corp.example'"}, false},
		"a field that is filled from it later":   {[]string{"email", "login.body.mail", "name", "login.username"}, false},
		"what the app says, beside a typed name": {[]string{"name", "login.username", "email", "login.body.mail"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var list rules
			for i := 0; i < len(c.rules); i += 2 {
				list = append(list, oneRule(c.rules[i], c.rules[i+1])...)
			}
			m := mustCompile(t, list)
			if got := m.Carries("email", "login", "username", "subject", "username", "email"); got != c.want {
				t.Errorf("it carries it: %v", got)
			}
		})
	}
}
