package caller

import (
	"cmp"
	"iter"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore/nearcache"
)

// AccountHeader chooses the account of one request.
const AccountHeader = "X-Account-Id"

// Remembered is what our handlers and matchers remember of one request: the
// credentials as the client presented them, which no upstream may see, and
// who was found to be behind them.
type Remembered struct {
	// Accounts are the values of AccountHeader, and of the parameter that does the same.
	Accounts []string
	// Injected says that identity headers stand in the request.
	Injected bool
	// Stripped says that what a client made up is taken away already.
	Stripped bool

	// Aside are headers that a handler has deleted and that a later one may be
	// told to keep.
	Aside http.Header

	presented

	made

	// One allocation serves for all that a request needs of its own: what
	// caller points to, and the values of the headers that are written, which
	// a later handler may edit in place.
	found Caller
	room
	answer answer
	stream streams.Stream
}

// made is who was found to make the request.
type made struct {
	caller         *Caller // by Bearer token, else by cookie
	callerByCookie *Caller // by cookie alone
}

// presented are the credentials that came with a request.
type presented struct {
	cookies       []string // the Cookie header's lines
	authorization []string
	address       string // as it came, where a parameter was taken out of it
	ahead         ahead
}

// room is for values of headers.
type room struct {
	values [RoomValues]string
	taken  bool
}

// RoomValues is how many values Room has room for: those of the identity
// headers of a request, or of the answer to one at /auth/session.
const RoomValues = 9

const rememberedVar = "sidegate.remembered"

// Remember returns what is remembered of the request, and begins to.
func Remember(r *http.Request) *Remembered {
	// Not by GetVar and SetVar: they would look for the variables twice.
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if v, ok := vars[rememberedVar].(*Remembered); ok {
		if v.ahead.pending {
			v.catchUp(r.Header)
		}
		return v
	}
	return remember(r, vars)
}

func remember(r *http.Request, vars map[string]any) *Remembered {
	v := &Remembered{
		Accounts:  r.Header[AccountHeader],
		presented: presented{cookies: r.Header["Cookie"], authorization: r.Header["Authorization"]},
	}
	if vars != nil {
		vars[rememberedVar] = v
	}
	return v
}

// Injected reports whether identity headers stand in the request. It begins to
// remember nothing.
func Injected(r *http.Request) bool {
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	v, ok := vars[rememberedVar].(*Remembered)
	return ok && v.Injected
}

// Room is where the values of headers are written, for the first who asks; nil
// for others.
func (v *Remembered) Room() []string {
	if v.taken {
		return nil
	}
	v.taken = true
	return v.values[:]
}

// Opens has what the request keeps open watched: a handler has let it through for
// that session. first is false behind another handler that has; who is first passes
// on the request that it is given back, and ends it by Closes when the rest of the
// chain has returned.
func (v *Remembered) Opens(in *streams.Watch, w http.ResponseWriter, r *http.Request, e *nearcache.Entry, asked streams.Asked, j streams.Judge) (passed *http.Request, first bool) {
	asked.Chosen = len(v.Accounts) > 0
	if v.answer.ours != nil {
		w = v.answer.ResponseWriter
	}
	s, again := v.stillOpen().Living(w)
	v.answer.stream = s
	if first = s.Begin(in, w, e, asked, j) || again; first {
		r = s.Request(r)
	}
	return r, first
}

// Reopens has what an error route keeps open watched as what has led to it: the app
// that answers there is told who is signed in. again is false where there is nothing
// to be watched; else it ends by Closes.
func (v *Remembered) Reopens(w http.ResponseWriter, r *http.Request) (passed *http.Request, again bool) {
	s, again := v.stillOpen().Living(w)
	if !again {
		return r, false
	}
	v.answer.stream = s
	return s.Request(r), true
}

// stillOpen is what the request keeps open, of whichever route.
func (v *Remembered) stillOpen() *streams.Stream { return cmp.Or(v.answer.stream, &v.stream) }

// Closes says that what Opens or Reopens began is over.
func (v *Remembered) Closes() { v.stillOpen().End() }

// CookiesNamed returns the value of every cookie of that name.
func (v *Remembered) CookiesNamed(name string) []string {
	var values []string
	for n, value := range identity.Cookies(v.cookies) {
		if n == name {
			values = append(values, value)
		}
	}
	return values
}

// CookiesWhere yields the name and value of the cookies whose names the function
// holds for, in the order in which the browser sent them.
func (v *Remembered) CookiesWhere(wanted func(name string) bool) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for name, value := range identity.Cookies(v.cookies) {
			if wanted(name) && !yield(name, value) {
				return
			}
		}
	}
}
