package demand

import (
	"example.com/sidegate/caddymodule/caller"
)

// What would become of a request.
const (
	// WouldPass: each session_auth on its way lets it through for that person.
	WouldPass = "pass"
	// WouldPassAnybody: each does whoever asks.
	WouldPassAnybody = "public"
	// WouldPassUnasked: none is on its way.
	WouldPassUnasked = "unguarded"
	// WouldBeAnswered: the gateway answers it itself.
	WouldBeAnswered = "answered"
	// WouldBeRefused: by what By names.
	WouldBeRefused = "refused"
	// NobodyKnows: Notes say why.
	NobodyKnows = "unknown"
)

// Prospects are all of them.
var Prospects = []string{WouldPass, WouldPassAnybody, WouldPassUnasked, WouldBeAnswered, WouldBeRefused, NobodyKnows}

// Foreseen is what would become of a request that nobody has made, as the person is
// told who asks.
type Foreseen struct {
	// Decision is one of Prospects.
	Decision string `json:"decision"`
	// Status, Error and Message are the refusal; zero for none.
	Status  int    `json:"status,omitempty"`
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
	// By is the handler that refuses or answers, and At where that stands in a
	// Caddyfile, if it is ours and the process has read the Caddyfile itself.
	By string `json:"by,omitempty"`
	At string `json:"at,omitempty"`
	// Demands are those that hold for the request, of each session_auth that it
	// comes to.
	Demands []Demanded `json:"demands"`
	// Notes are what could not be known, and what the answer leans on.
	Notes []string `json:"notes"`
}

// Demanded is one demand, and whether that person meets it.
type Demanded struct {
	// Rule is as it is written, such as `path /admin/*: role admin`.
	Rule string `json:"rule"`
	// At is where it stands, or the session_auth that has it; empty where that is not
	// known.
	At  string `json:"at,omitempty"`
	Met bool   `json:"met"`
	// Reported says that it refuses nobody, and is only reported.
	Reported bool `json:"reportOnly,omitempty"`
}

// Told are all demands of d that hold for a request, whether the caller, who is signed
// in, meets them or not; or what opens it.
func Told(d *Demands, made Decision, r Request, c *caller.Caller) (all []Demanded) {
	s := &d.ready.enforced
	if made.Reported {
		s = &d.ready.all
	}
	asked := s.asked(r)
	met := func(rule Ruling) Demanded { return Demanded{Rule: rule.Rule, At: rule.At.String(), Met: true} }
	if asked.opens != nil {
		return []Demanded{met(*asked.opens)}
	}
	for _, q := range asked.demands {
		all = append(all, q.demanded(c)...)
	}
	if len(all) == 0 {
		return []Demanded{met(asked.met()[0])}
	}
	return all
}

// demanded is all that is demanded beside a session, each line of it.
func (q demand) demanded(c *caller.Caller) (all []Demanded) {
	for i := range q.require {
		rule := q.ruling(&q.require[i])
		all = append(all, Demanded{rule.Rule, rule.At.String(), q.require[i].holds(c.User), q.reported})
	}
	if q.admin {
		rule := Ruling{q.named(wordAccountAdmin), near(q.adminAt, q.at)}
		all = append(all, Demanded{rule.Rule, rule.At.String(), Permits(c.User, nil, true), q.reported})
	}
	return all
}
