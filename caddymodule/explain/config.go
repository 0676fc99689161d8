package explain

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// object is one of JSON.
type object = map[string]any

// rewriting makes of a configuration one that can be provisioned without touching
// the network, a store or a file.
type rewriting struct {
	notes       []string
	directories string   // a note for people of a login
	apps        []string // the logins app, which stay
	adopts      []adopts
}

// adopts is a login adopt, with the cookies of the other gateway.
type adopts struct {
	name    string
	cookies []string
}

// note says what is left out, once.
func (r *rewriting) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// rewrite keeps the apps http and sidegate, and of the rest nothing: certificates,
// logs, the admin endpoint and other apps answer no request.
func (r *rewriting) rewrite(text []byte) (*caddy.Config, object, error) {
	var whole object
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	if err := in.Decode(&whole); err != nil {
		return nil, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	apps := under(whole, "apps")
	http, ours := under(apps, "http"), under(apps, "sidegate")
	if len(under(http, "servers")) == 0 {
		return nil, nil, errors.New("the configuration has no site, so no request is answered")
	}
	if ours == nil {
		return nil, nil, errors.New("the configuration has no sidegate options, so there is nothing of ours to explain")
	}
	r.sidegate(ours)
	r.http(http)
	raw := map[string]json.RawMessage{}
	for name, app := range map[string]object{"http": http, "sidegate": ours} {
		written, err := json.Marshal(app)
		if err != nil {
			return nil, nil, err
		}
		raw[name] = written
	}
	return &caddy.Config{
		Admin: &caddy.AdminConfig{Disabled: true}, Logging: toCore(), AppsRaw: raw, StorageRaw: json.RawMessage(`{"module":"` + standInName + `"}`),
	}, http, nil
}

func under(of object, name string) object {
	inner, _ := of[name].(object)
	return inner
}

func list(of object, name string) []any {
	inner, _ := of[name].([]any)
	return inner
}

func text(of object, name string) string {
	inner, _ := of[name].(string)
	return inner
}

// sidegate rewrites the options of the app.
func (r *rewriting) sidegate(app object) {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	app["store"] = object{"module": "memory"}
	app["secrets"] = []any{fmt.Sprintf("%x", random)}
	if token := under(app, "token"); token != nil {
		delete(token, "signing_keys") // what is signed proves nothing to anybody
		delete(token, "algorithm")
	}
	var names []string
	for _, d := range list(app, "directories") {
		if d, ok := d.(object); ok {
			names = append(names, text(d, "name"))
		}
	}
	if len(names) > 0 {
		r.directories = "no directory is asked (" + strings.Join(names, ", ") + "): what they say of a person, roles for one, is missing here"
	}
	delete(app, "directories")
	logins := list(app, "logins")
	for i, l := range logins {
		if l, ok := l.(object); ok {
			logins[i] = r.login(l)
		}
	}
	app["logins"] = append(logins, object{"method": vouching{}.CaddyModule().ID.Name()})
}

// placeholder is one for what may not be at hand where nothing is started.
var placeholder = regexp.MustCompile(`\{(env|file)\.[^{}]*\}`)

// login rewrites one that asks somebody.
func (r *rewriting) login(l object) object {
	switch text(l, "method") {
	case "users":
		return l
	case "app": // its cookies and tokens are known by it
		r.apps = append(r.apps, text(l, "name"))
		for _, name := range []string{"header", "fields", "logout", "ca"} {
			delete(l, name)
		}
		if url := text(l, "url"); placeholder.MatchString(url) {
			l["url"] = "https://nobody.invalid"
		}
		return l
	}
	name := text(l, "name")
	if name == "" {
		name = text(l, "method")
	}
	if text(l, "method") == "adopt" {
		adopts := adopts{name: name}
		for _, cookie := range list(l, "cookies") {
			cookie, _ := cookie.(string)
			adopts.cookies = append(adopts.cookies, cookie)
		}
		r.adopts = append(r.adopts, adopts)
	}
	return object{"method": provider{}.CaddyModule().ID.Name(), "name": name}
}

// http rewrites the app that has the servers.
func (r *rewriting) http(app object) {
	delete(app, "metrics")
	for name, s := range under(app, "servers") {
		if s, ok := s.(object); ok {
			r.server(name, s)
		}
	}
}

func (r *rewriting) server(name string, s object) {
	for _, left := range []string{"listener_wrappers", "packet_conn_wrappers", "metrics"} {
		delete(s, left)
	}
	s["logs"] = object{"trace": true}
	if len(list(s, "tls_connection_policies")) > 0 { // that there are, says that it speaks TLS
		for _, p := range list(s, "tls_connection_policies") {
			if p, ok := p.(object); ok && p["client_authentication"] != nil {
				r.note("server %s asks for certificates of clients, which are not looked at: the request is one that came through", name)
			}
		}
		s["tls_connection_policies"] = []any{object{}}
	}
	if source := text(under(s, "trusted_proxies"), "source"); source != "" && source != "static" {
		r.note("trusted_proxies %s of server %s is not asked: no proxy is trusted here", source, name)
		delete(s, "trusted_proxies")
	}
	r.routes(list(s, "routes"))
	r.routes(list(under(s, "errors"), "routes"))
	for _, route := range under(s, "named_routes") {
		r.routes([]any{route})
	}
}
