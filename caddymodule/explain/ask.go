package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/sessionstore"
)

// ask sends the request through the server's own handlers.
func (l *loaded) ask(q *question) (*Report, error) {
	if err := q.checkMethod(); err != nil {
		return nil, err
	}
	to, err := l.destination(q)
	if err != nil {
		return nil, err
	}
	session, secret, err := l.signedIn(q)
	if err != nil {
		return nil, err
	}
	r, err := q.read(to, session, l.gateway.Cookie+"="+secret.Encode())
	if err != nil {
		return nil, err
	}
	where := placesOf(to.name, to.server, under(under(l.written, "servers"), to.name))
	for h := range where {
		if decides, ok := h.(interface{ Explain(demand.Hears) }); ok {
			decides.Explain(current.heard)
		}
	}
	w := &answerWriter{header: make(http.Header)}
	current.begin()
	to.server.ServeHTTP(w, r)
	all, lines := current.end()
	a := account{where, w, slices.DeleteFunc(all, isContainer), lines}
	report := a.report()
	report.Request = Asked{q.method, to.url.String() + to.target, to.name, q.from.String()}
	report.Person = a.person(session)
	report.Log = told(lines)
	report.Notes = slices.Concat(l.notes, q.notes, l.unadopted(q), report.Notes)
	if q.as != "" && l.directories != "" {
		report.Notes = append(report.Notes, l.directories)
	}
	return report, nil
}

// unadopted are notes for who comes with a cookie of another gateway, which is not
// asked whose it is.
func (l *loaded) unadopted(q *question) (notes []string) {
	for _, a := range l.adopts {
		for _, h := range q.headers {
			if strings.EqualFold(h[0], "Cookie") && slices.ContainsFunc(a.cookies, func(name string) bool { return name != "" && strings.Contains(h[1], name) }) {
				notes = append(notes, fmt.Sprintf("login adopt %s asks nobody here: who has a cookie of the other gateway alone is nobody, and an app is shown that cookie", a.name))
				break
			}
		}
	}
	return notes
}

// isContainer reports whether a handler only leads to others.
func isContainer(m *met) bool {
	switch m.handler.(type) {
	case *caddyhttp.Subroute, *caddyhttp.Invoke:
		return true
	}
	return nameOf(m.handler) == "" && !isGuard(m.handler)
}

func isGuard(h any) bool {
	_, ok := h.(everyroute.Before)
	return ok && !everyroute.LooksAtAnswers(h)
}

// nameOf is that of a handler's module; empty for what is none.
func nameOf(h any) string {
	if stand, ok := h.(*passing); ok {
		return stand.Name
	}
	return caddy.GetModuleName(h)
}

// account is what was written down of a request that was served.
type account struct {
	where  places
	answer *answerWriter
	met    []*met
	lines  []line
}

func (a account) report() *Report {
	r := &Report{Steps: []Step{}}
	var last *decided
	for i, m := range a.met {
		r.Steps = append(r.Steps, a.step(m, i == len(a.met)-1))
		last = cmp.Or(m.decided, last)
		if m.forwarded != nil {
			r.Forwarded = append(r.Forwarded, *m.forwarded)
		}
	}
	slices.Reverse(r.Forwarded)
	r.Answer = a.answered(last)
	r.Passes = r.Answer.Status < http.StatusBadRequest && (last == nil || last.Why == nil)
	if r.Passes && last == nil && len(r.Forwarded) > 0 {
		r.Notes = append(r.Notes, "no session_auth is on the way of this request: whoever asks gets this answer")
	}
	return r
}

func (a account) step(m *met, last bool) Step {
	s := Step{Handler: nameOf(m.handler), At: lineOf(m.handler), Route: a.where[m.handler].path, When: a.where[m.handler].when}
	if isGuard(m.handler) {
		s.Handler = "ambiguous paths"
	}
	s.Does = a.does(m, last)
	if m.remark != "" {
		s.Does += ": " + m.remark
	}
	if d := m.decided; d != nil {
		s.Rules = rulesOf(d.rulings)
		if d.Would != nil {
			s.WouldBe = d.Would.Status
		}
	}
	return s
}

func (a account) does(m *met, last bool) string {
	switch d := m.decided; {
	case d != nil && d.Why != nil:
		return "refuses"
	case d != nil && d.Would != nil:
		return fmt.Sprintf("passes, and only reports what would be %d %s", d.Would.Status, d.Would.Code)
	case d != nil && d.Open:
		return "passes whoever asks"
	case d != nil && !d.by.MayPass():
		return "passes without a session"
	case d != nil:
		return "passes"
	case m.forwarded != nil && !last:
		return "asks " + m.forwarded.To + ", whose answer is taken for 200 without headers"
	case m.forwarded != nil:
		return "asks " + m.forwarded.To
	case last && a.answer.status == 0:
		return "passes on, and nobody answers"
	case last:
		return fmt.Sprintf("answers %d", a.answer.status)
	case nameOf(m.handler) == "error":
		return "fails"
	}
	return "passes on"
}

func rulesOf(rulings []demand.Ruling) (rules []Rule) {
	for _, r := range rulings {
		rules = append(rules, Rule{r.Rule, r.At.String()})
	}
	return rules
}

// answered is the answer, and who gives it.
func (a account) answered(last *decided) Answer {
	is := Answer{Status: cmp.Or(a.answer.status, http.StatusOK), Of: "Caddy", Headers: a.answer.header}
	maps.DeleteFunc(is.Headers, func(name string, _ []string) bool { return name == "Server" })
	if n := len(a.met); n > 0 && a.answer.status != 0 {
		m := a.met[n-1]
		is.Of = a.step(m, true).Handler
		is.At = cmp.Or(lineOf(m.handler), a.where[m.handler].path)
		if m.forwarded != nil {
			is.Of = m.forwarded.To
		}
	}
	if last != nil {
		is.Rules = rulesOf(last.rulings)
		if last.Would != nil {
			is.WouldBe = last.Would.Status
		}
	}
	if n := len(a.met); n > 0 && isGuard(a.met[n-1].handler) && a.answer.status != 0 {
		is.Rules = a.guarded()
	}
	if last != nil && last.Why != nil {
		is.Error, is.Message = last.Why.Code, last.Why.Message
		return is
	}
	var said struct{ Error, Message string }
	if json.Unmarshal(a.answer.body, &said) == nil && is.Status >= http.StatusBadRequest {
		is.Error, is.Message = said.Error, said.Message
	}
	return is
}

// guarded is why a path was refused before any route. The log alone says so.
func (a account) guarded() []Rule {
	for _, l := range a.lines {
		if why := l.field("why"); why != "" {
			return []Rule{{Rule: why + ", and a demand depends on " + l.field("rule")}}
		}
	}
	return nil
}

// person is who asks, as they act for an account.
func (a account) person(s *sessionstore.Session) *Person {
	if s == nil {
		return nil
	}
	u := &s.User
	for _, m := range a.met {
		if m.decided != nil && m.decided.by.MayPass() {
			u = m.decided.by.User
		}
	}
	p := &Person{ID: u.ID, Email: u.Email, Login: s.Method, Roles: u.FlatRolesList, Permissions: u.FlatPermissionsList}
	if s.Method == (vouching{}).Name() {
		p.Login = ""
	}
	if u.PrimaryAccount != nil {
		p.Account = u.PrimaryAccount.AccountID
	}
	return p
}

// told are the lines that an operator would read, but for what is only so here.
func told(lines []line) (all []string) {
	for _, l := range lines {
		if l.level >= zapcore.InfoLevel && ofOurs(l.logger) && l.field("error") != errNotAsked.Error() {
			all = append(all, l.String())
		}
	}
	return all
}

// answerWriter keeps what a client would get, but for most of the body.
type answerWriter struct {
	header http.Header
	status int
	body   []byte
}

// mostBody bounds what is kept of a body: our refusals are shorter.
const mostBody = 64 << 10

// Header returns those of the answer.
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

// Write keeps the beginning, and refuses the rest: nobody reads on.
func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(w.body)+len(b) > mostBody {
		return 0, http.ErrBodyNotAllowed
	}
	w.body = append(w.body, b...)
	return len(b), nil
}
