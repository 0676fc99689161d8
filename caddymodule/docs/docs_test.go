package docs_test

import (
	"testing"
	"os"
	"net/http/httptest"
	"example.com/sidegate/caddymodule/docs"
)

func TestX(t *testing.T) {
	d := docs.Read("/auth")
	w := httptest.NewRecorder()
	d.Page(nil)(w, nil)
	os.WriteFile("/tmp/w/docs-lint/docs.html", w.Body.Bytes(), 0o600)
	t.Log(w.Body.Len(), w.Header())
	for _, g := range d.Groups { for _, r := range g.Routes { if r.ID=="getSession" || r.ID == "postLogin" { for _, s := range r.TypeScript { t.Log(s.Name+"\n"+s.Text) }; for _, s := range r.YAML[:1] { t.Log(s.Name+"\n"+s.Text) } } } }
}
