package web

import (
	"errors"
	"fmt"
	"html/template"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// samples are every page with what it is filled with: all of it, and as little as can be,
// so that what a template says of either is run before anybody sees it.
var samples = map[string][]any{
	"login": {
		shownLogin{Login: Login{Base: "/auth"}, FieldLabel: "Email address"},
		shownLogin{Login: Login{Base: "/auth", ReturnTo: "/orders", Cut: true, Password: true, Names: true, Providers: []Provider{
			{Name: "sso", Label: "Acme", Href: "/auth/login/sso", Icon: samplePicture}, {Name: "other", Href: "/auth/login/other"},
		}, Name: "ada", Failure: Wrong, At: "Acme", RetryAfter: time.Minute}, Message: "Try again in a minute.", FieldLabel: "User name"},
		shownLogin{Login: Login{Base: "/auth", Providers: []Provider{{Name: "sso", Href: "/auth/login/sso"}}, Failure: Denied}, Message: "It was not allowed."},
		shownLogin{Login: Login{Base: "/auth", Password: true}, FieldLabel: "Email address"},
	},
	"signedin":  {shownLogin{Login: Login{Base: "/auth", SignedInAs: "ada@example.com", ReturnTo: "/orders"}}},
	"logout":    {Logout{Base: "/auth"}, Logout{Base: "/auth", SignedInAs: "ada@example.com", ReturnTo: "/orders"}},
	"signedout": {SignedOut{Base: "/auth"}, SignedOut{Base: "/auth", Still: "Acme"}, SignedOut{Base: "/auth", Still: Somewhere}},
	"depart":    {Provider{Name: "sso", Label: "Acme", Href: "/auth/login/sso"}, Provider{Name: "sso", Href: "/auth/login/sso"}},
	"account": {
		Account{Base: "/auth", SignedInAs: "ada@example.com"},
		Account{Base: "/auth", SignedInAs: "ada@example.com", ReturnTo: "/orders", Choices: []Choice{{ID: "acme", Name: "Acme", Primary: true, Admin: true}, {ID: "globex"}}},
	},
	"sessions": {
		shownSessions{Sessions: Sessions{Base: "/auth", SignedInAs: "ada@example.com"}, This: shownDevice{Name: "Firefox"}},
		shownSessions{
			Sessions: Sessions{Base: "/auth", SignedInAs: "ada@example.com", Others: make([]Device, 3), Unreadable: make([]string, 3)},
			This:     shownDevice{Device: Device{Address: "192.0.2.1", Method: "Acme"}, Name: "Firefox"},
			Others:   []shownDevice{{Device: Device{ID: "1"}, Name: "curl"}}, Unreadable: []string{"2"}, Told: "That device is signed out.",
		},
	},
	"onward":       {Onward{Base: "/auth", To: "/orders"}, Onward{Base: "/auth", Cut: true}, Onward{Base: "/auth", Finished: true}},
	"samesite":     {SameSite{To: "/orders"}},
	"postback":     {PostBack{Action: "/auth/callback/sso", Fields: []Field{{"code", "c"}, {"state", "s"}}}},
	"signoutthere": {SignOutThere{Action: "https://sso.example.com/end", Fields: []Field{{"id_token_hint", "a.b.c"}}}},
	"problem": {
		shownProblem{Problem: Problem{Status: 404, Title: "Nothing here", Detail: "This address leads nowhere."}},
		shownProblem{Problem: Problem{Status: 401, Title: "Sign in first", Detail: "You are not signed in.", Base: "/auth"}},
		shownProblem{Problem: Problem{Status: 403, Title: "No access", Detail: "Ask somebody.", Base: "/auth", SignedInAs: "ada@example.com", ReturnTo: "/orders"}},
		shownProblem{Problem: Problem{Status: 403, Title: "No access", Detail: "Ask somebody.", Base: "/auth", SignedInAs: "ada@example.com", OtherAccount: true, Back: "/auth/account"}},
		shownProblem{Problem: Problem{Status: 503, Title: "One moment", Detail: "It passes.", Asked: true}},
		shownProblem{Problem: Problem{Status: 503, Title: "One moment", Detail: "It passes.", RetryAfter: time.Minute}, Wait: "Try again in a minute."},
	},
	"unreadable": {Unreadable{Base: "/auth"}, Unreadable{Base: "/auth", ReturnTo: "/orders"}},
	"kept": {
		KeptForm{Action: "/orders?of=7", Login: "/auth/login", Fields: []Field{{"note", "two apples"}}, LeftOut: []string{"password"}},
		KeptForm{Login: "/auth/login", Lost: LostElsewhere}, KeptForm{Login: "/auth/login", Lost: LostKind}, KeptForm{Login: "/auth/login", Lost: LostSize},
	},
	"startedover": {StartedOver{To: "/auth/login"}, Relayed{To: "/auth/login"}},
}

// samplePicture is the smallest there is.
const samplePicture template.URL = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="

// Pages are the names of the pages that a configuration may replace.
func Pages() []string { return slices.Sorted(maps.Keys(samples)) }

// Variables are what the template of that page has to show.
func Variables(page string) []string {
	found := map[string]bool{}
	for _, sample := range samples[page] {
		of := reflect.TypeOf(sample)
		for _, field := range reflect.VisibleFields(of) {
			if field.IsExported() && !field.Anonymous {
				found[field.Name] = true
			}
		}
		for i := range of.NumMethod() {
			if m := of.Method(i); m.Type.NumIn() == 1 && m.Type.NumOut() == 1 {
				found[m.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Functions are what the templates have to say things by.
func Functions() []string { return slices.Sorted(maps.Keys(new(Look).functions(new(language)))) }

// Shown is a page made of one of its samples.
type Shown struct {
	// Page is its name, Sample which of its samples it is, and Language the tag of its
	// language.
	Page     string
	Sample   int
	Language string
	// HTML is the page.
	HTML string
}

// EachSample makes every page of every sample in every language, and gives it to do, whose
// first error it returns. One of its own begins with the file, and where it can with the
// line.
func (l *Look) EachSample(do func(Shown) error) error {
	for _, of := range l.orPlain().languages {
		for _, page := range Pages() {
			for i, sample := range samples[page] {
				body, err := of.filled(page, sample)
				if err != nil {
					return l.placed(page, err)
				}
				if err := do(Shown{page, i, of.tag, string(body)}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Try fills every page with samples in every language, and with what differs from them
// as what people have does, and gives it to check, with ours of the same. An error begins
// with the file, and where it can with the line.
func (l *Look) Try(check func(page, ours string) error) error {
	for _, page := range Pages() {
		for _, sample := range samples[page] {
			if err := l.try(page, sample, check); err != nil {
				return err
			}
			for _, v := range varied {
				if err := l.try(page, v.of(sample), check); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (l *Look) try(page string, data any, check func(page, ours string) error) error {
	ours, err := plain.languages[0].fromOurs(page, data)
	if err != nil {
		return err
	}
	for _, of := range l.orPlain().languages {
		body, err := of.filled(page, data)
		if err != nil {
			return l.placed(page, err)
		}
		if err := check(string(body), string(ours)); err != nil {
			return fmt.Errorf("%s: %w", l.whose(page), err)
		}
	}
	return nil
}

// whose is the file that a page is from.
func (l *Look) whose(page string) string {
	if file := l.appearance.Pages[page].File; file != "" {
		return file
	}
	if l.appearance.Layout.File != "" {
		return l.appearance.Layout.File
	}
	return page + ".html"
}

// placed is an error of making that page as it begins with file and line; what is wrong
// with the page as a whole has no line.
func (l *Look) placed(page string, err error) error {
	said := strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/"), "template:"))
	if strings.Contains(said, "can't evaluate field") {
		said += "; the page has " + strings.Join(Variables(page), ", ")
	}
	own := append(slices.Collect(maps.Values(l.appearance.Pages)), l.appearance.Layout)
	if !slices.ContainsFunc(own, func(s Source) bool { return s.File != "" && strings.HasPrefix(said, s.File) }) {
		said = l.whose(page) + ": " + said
	}
	return errors.New(said)
}

// English are the texts in English, by their keys: those that a language may have.
func English() map[string]string { return mustCatalogue("en") }

// IsTag reports whether the text is a well-formed language tag, such as pt-BR.
func IsTag(text string) bool { return isTag(text) }

// Inline are the texts that a policy allows in a page: the style sheet, and the scripts
// of ours.
func (l *Look) Inline() (style string, scripts []string) {
	return string(l.orPlain().style), []string{string(submit), string(goOn), string(signIn), string(depart), string(sendOnce), string(takeAlong)}
}
