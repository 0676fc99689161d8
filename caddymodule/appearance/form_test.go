package appearance

import (
	"fmt"
	"strings"
	"testing"
)

const (
	around = `{{template "top"}}<title>x</title></head><body><main><h1>x</h1>%s</main></body></html>`
	// providers are the links that a login page has as well.
	providers = `{{range .Providers}}<a href="{{.Href}}">{{.Label}}</a>{{end}}`
	fields    = `<input name="{{if .Names}}username{{else}}email{{end}}"><input name="password" type="password"><input type="hidden" name="return_to" value="{{.ReturnTo}}">`
	action    = `action="{{.Base}}/login"`
)

// loginOf is a login page with that for its form.
func loginOf(form string) string {
	return fmt.Sprintf(around, `{{if .Password}}`+form+`{{end}}`+providers)
}

func triedOf(t *testing.T, file, text string) error {
	t.Helper()
	_, err := (&Config{Templates: folder(t, map[string]string{file: text})}).Look(named, nil)
	return err
}

// What is typed into a form of an operator's own goes where ours would take it, in the way
// that ours does: a password in an address stands in the logs of all that it passes.
func TestAFormSendsWhatOursDoes(t *testing.T) {
	for name, c := range map[string]struct{ form, says string }{
		"in the address":                     {`<form ` + action + `>` + fields + `<button>x</button></form>`, "/auth/login, as the page has without the template: its method is get, and must be post"},
		"in a dialogue":                      {`<form method="dialog" ` + action + `>` + fields + `<button>x</button></form>`, "its method is dialog"},
		"by the second of two methods":       {`<form method="get" method="post" ` + action + `>` + fields + `<button>x</button></form>`, "its method is get"},
		"in another encoding":                {`<form method="post" enctype="text/plain" ` + action + `>` + fields + `<button>x</button></form>`, "its enctype, accept-charset or rel is another"},
		"in other letters":                   {`<form method="post" accept-charset="latin1" ` + action + `>` + fields + `<button>x</button></form>`, "its enctype, accept-charset or rel is another"},
		"without saying from where":          {`<form method="post" rel="noreferrer" ` + action + `>` + fields + `<button>x</button></form>`, "its enctype, accept-charset or rel is another"},
		"without its fields":                 {`<form method="post" ` + action + `><button>x</button></form>` + fields, "a field for a password stands outside of the form"},
		"without one of its fields":          {`<form method="post" ` + action + `><input name="password" type="password"><button>x</button></form>`, "is not in it"},
		"with fields of another form":        {`<form id="a" method="post" ` + action + `>` + strings.ReplaceAll(fields, "<input ", `<input form="b" `) + `<button>x</button></form><form id="b" action="/"></form>`, "is not in it"},
		"with fields that are not sent":      {`<form method="post" ` + action + `><fieldset disabled>` + fields + `</fieldset><button>x</button></form>`, "is not in it"},
		"with fields that nobody sees":       {`<form method="post" ` + action + `><div hidden>` + fields + `</div><button>x</button></form>`, "is not in it"},
		"with fields in a template":          {`<form method="post" ` + action + `><template>` + fields + `</template><button>x</button></form>`, "is not in it"},
		"without a button":                   {`<form method="post" ` + action + `>` + fields + `<button type="button">x</button></form>`, "it has no button that sends it"},
		"for who runs no scripts alone":      {`<noscript><form method="post" ` + action + `>` + fields + `<button>x</button></form></noscript>`, "it has no form that posts"},
		"for who runs scripts alone":         {`<noscript><form></noscript><form method="post" ` + action + `>` + fields + `<button>x</button></form>`, "it has no form that posts"},
		"inside of another form":             {`<form><form method="post" ` + action + `>` + fields + `<button>x</button></form></form>`, "it has no form that posts"},
		"with a password that all can read":  {`<form method="post" ` + action + `>` + strings.Replace(fields, `type="password"`, `type="text"`, 1) + `<button>x</button></form>`, "password is not of the type password"},
		"with two passwords, one of letters": {`<form method="post" ` + action + `><input name="password">` + fields + `<button>x</button></form>`, "password is not of the type password"},
		"with a name that nobody can type":   {`<form method="post" ` + action + `>` + strings.Replace(fields, `<input `, `<input type="hidden" `, 1) + `<button>x</button></form>`, "is there, and not what it is in the page without the template"},
		"with another way back":              {`<form method="post" ` + action + `>` + strings.Replace(fields, `{{.ReturnTo}}`, `/elsewhere`, 1) + `<button>x</button></form>`, "return_to is there, and not what it is"},
		"by a button that leads elsewhere":   {`<form method="post" ` + action + `>` + fields + `<button formaction="https://evil.example/">x</button></form>`, "a <button> has formaction"},
		"by a button of another method":      {`<form method="post" ` + action + `>` + fields + `<button formmethod="get">x</button></form>`, "a <button> has formmethod"},
		"by a field that leads elsewhere":    {`<form method="post" ` + action + `>` + fields + `<input type="submit" FormAction="/x"></form>`, "a <input> has formaction"},
		"beside one that takes the password": {`<form method="post" ` + action + `>` + fields + `<button>x</button></form><form action="/x" method="post">` + fields + `<button>x</button></form>`, "a form asks for a password that does not go where it should"},
		"beside one that leads elsewhere":    {`<form method="post" ` + action + `>` + fields + `<button>x</button></form><form action="//evil.example/"><input name="q"></form>`, "a form posts to //evil.example/"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := triedOf(t, "login.html", loginOf(c.form)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("told: %v", err)
			}
		})
	}
}

func TestAFormOfOnesOwnMayLookOtherwise(t *testing.T) {
	const account = `<form method="post" action="{{.Base}}/account">{{with .ReturnTo}}<input type="hidden" name="return_to" value="{{.}}">{{end}}`
	for name, c := range map[string]struct{ file, text string }{
		"with the parts of a form apart": {"login.html", loginOf(`<form id="f" METHOD="POST" ` + action + `></form><table><tr><td>` + strings.ReplaceAll(fields, "<input ", `<input form="f" `) + `</table><button form="f">x</button>`)},
		"with more fields":               {"login.html", loginOf(`<form method="post" ` + action + `>` + fields + `<input type="checkbox" name="terms"><input type="submit"></form>`)},
		"with a search beside it":        {"login.html", loginOf(`<form method="post" ` + action + `>` + fields + `<button>x</button></form><form action="/search"><input name="q"></form>`)},
		"with a list to choose from":     {"account.html", fmt.Sprintf(around, `{{if .Choices}}`+account+`<select name="accountId">{{range .Choices}}<option value="{{.ID}}">{{.Label}}</option>{{end}}</select><button>x</button></form>{{end}}`)},
		"with circles to choose from":    {"account.html", fmt.Sprintf(around, `{{if .Choices}}`+account+`{{range .Choices}}<input type="radio" name="accountId" value="{{.ID}}">{{.Label}}{{end}}<button>x</button></form>{{end}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			if err := triedOf(t, c.file, c.text); err != nil {
				t.Errorf("told: %v", err)
			}
		})
	}
}
