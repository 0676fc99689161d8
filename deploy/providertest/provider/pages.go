package provider

import (
	_ "embed"
	"html/template"
	"net/http"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("pages").Parse(pagesHTML))

// page writes one of the pages. There is no form-action in its policy: browsers
// apply that to where a form's answer redirects to, and ours goes to the app.
func page(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // the browser may be gone
}

// askWho lets the browser's session answer, or shows who there is.
func (p *Provider) askWho(w http.ResponseWriter, r *http.Request) {
	request, err := p.store.request(r.URL.Query().Get("id"))
	if err != nil {
		page(w, http.StatusBadRequest, "failed", err.Error())
		return
	}
	if p.store.resume(request, p.cookie(r)) {
		http.Redirect(w, r, p.callback(r, request.id), http.StatusSeeOther)
		return
	}
	if slices.Contains(request.asked.Prompt, oidc.PromptNone) {
		op.AuthRequestError(w, r, request, oidc.ErrLoginRequired(), p.op)
		return
	}
	page(w, http.StatusOK, "sign-in", map[string]any{"ID": request.id, "Client": request.asked.ClientID, "People": p.store.everybody()})
}

// signIn signs in whoever was clicked, or refuses for them.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	request, err := p.store.request(r.FormValue("id"))
	if err != nil {
		page(w, http.StatusBadRequest, "failed", err.Error())
		return
	}
	if r.PostForm.Has("deny") {
		op.AuthRequestError(w, r, request, oidc.ErrAccessDenied(), p.op)
		return
	}
	cookie, err := p.store.signIn(request.id, r.PostForm.Get("email"))
	if err != nil {
		page(w, http.StatusUnauthorized, "failed", err.Error())
		return
	}
	p.setCookie(w, cookie)
	http.Redirect(w, r, p.callback(r, request.id), http.StatusSeeOther)
}

// askSignOut is where the library sends a browser that came to sign out
// without an ID token that says of what: then the person must be asked
// (RP-Initiated Logout 1.0 section 2). One that has no session is done.
func (p *Provider) askSignOut(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.sid(r); ok {
		page(w, http.StatusOK, "sign-out", nil)
		return
	}
	page(w, http.StatusOK, "signed-out", nil)
}

// signOut ends the browser's session.
func (p *Provider) signOut(w http.ResponseWriter, r *http.Request) {
	if sid, ok := p.sid(r); ok {
		p.SignOut(r.Context(), sid)
	}
	page(w, http.StatusOK, "signed-out", nil)
}

// sid is that of the browser's session.
func (p *Provider) sid(r *http.Request) (string, bool) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	in, ok := p.store.sessionOf(p.cookie(r))
	if !ok {
		return "", false
	}
	return in.id, true
}
