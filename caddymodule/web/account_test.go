package web_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

var twoAccounts = web.Account{
	Base: "/auth", SignedInAs: "ada@example.com", ReturnTo: "/orders",
	Choices: []web.Choice{{ID: "acme", Name: "Acme Ltd", Primary: true, Admin: true}, {ID: "globex"}},
}

func TestThePageOfAccountsMarksTheOneThatIsActedFor(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) { twoAccounts.Write(w, web.View{}) })
	buttons := find(all, "button")
	if len(buttons) != 2 {
		t.Fatalf("%d buttons", len(buttons))
	}
	for i, want := range []struct{ value, current, text string }{
		{"acme", "true", "Acme Ltd acme You administer it. You act for it now."}, {"globex", "", "globex"},
	} {
		b := buttons[i]
		if text := strings.Join(strings.Fields(b.text), " "); b.attr["value"] != want.value || b.attr["aria-current"] != want.current || text != want.text || b.attr["name"] != "accountId" {
			t.Errorf("button %d is %v, %q", i, b.attr, text)
		}
	}
	if to := input(all, "return_to"); to == nil || to.attr["value"] != "/orders" {
		t.Errorf("the form leads back to %+v", to)
	}
}

func TestThePageOfAccountsWithoutAny(t *testing.T) {
	all := render(t, func(w http.ResponseWriter) {
		web.Account{Base: "/auth", SignedInAs: "grace@example.com"}.Write(w, web.View{})
	})
	if text := find(all, "main")[0].text; len(find(all, "form")) != 0 || !strings.Contains(text, "There is none for grace@example.com") {
		t.Errorf("it says %q", text)
	}
}

// A button without a word is none that anybody knows what it does.
func TestAnAccountWhoseNameNobodySeesIsCalledByItsID(t *testing.T) {
	for _, name := range []string{"", " ", "\u200b", "\u00ad\u2060", "\u3164", "\u2800", "\u00a0\u3000", "\u202e", "\ufe0f"} {
		if got := (web.Choice{ID: "acme", Name: name}); got.Label() != "acme" || got.Note() != "" {
			t.Errorf("%q is called %q, with %q", name, got.Label(), got.Note())
		}
	}
	if got := (web.Choice{ID: "acme", Name: "\u200bAcme"}); got.Label() != "\u200bAcme" || got.Note() != "acme" {
		t.Errorf("it is called %q, with %q", got.Label(), got.Note())
	}
}
