package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
	"example.com/sidegate/sessionstore"
)

// maxCalls is how many sign-ins are with the app at once, and how many wait;
// further ones are sent away, so that a flood at the gateway is none at the app.
const maxCalls = 64

// Login signs people in by an app's own login. It is a login.PasswordMethod
// and a login.Rebuilder, and safe for concurrent use.
type Login struct {
	config Config
	url    string
	shown  string // the same for the log, without its query
	logout string
	body   body
	calls  *login.Gate
}

var (
	_ login.PasswordMethod = (*Login)(nil)
	_ login.Named          = (*Login)(nil)
	_ login.Rebuilder      = (*Login)(nil)
	_ login.Recaller       = (*Login)(nil)
)

// New makes the login, without touching the network. Its errors name what is
// wrong with the configuration, and never show a value.
func New(c Config) (*Login, error) {
	l, err := newLogin(c)
	if err != nil {
		return nil, fmt.Errorf("login %s: %w", c.Name, err)
	}
	return l, nil
}

func newLogin(c Config) (*Login, error) {
	body, err := newBody(c.Body, c.Fields)
	if err != nil {
		return nil, err
	}
	if c, err = c.withDefaults(); err != nil {
		return nil, err
	}
	l := &Login{config: c, body: body, calls: login.NewGate(login.GateLimits{Running: maxCalls, Waiting: maxCalls})}
	if l.url, err = addressOf(c.URL); err != nil {
		return nil, err
	}
	l.shown, _, _ = strings.Cut(l.url, "?")
	if c.Logout == "" {
		return l, nil
	}
	if l.logout, err = addressOf(c.Logout); err != nil {
		return nil, fmt.Errorf("logout: %w", err)
	}
	return l, nil
}

func addressOf(raw string) (string, error) {
	address, err := source.ParseAddress(raw)
	if err != nil {
		return "", err
	}
	u, err := address.Expand(nil)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// TakesNames reports whether people may sign in by names that are no addresses.
func (l *Login) TakesNames() bool { return l.config.TakesNames }

// Name is the method's name in the configuration.
func (l *Login) Name() string { return l.config.Name }

// Close gives idle connections back. People can sign in all the same.
func (l *Login) Close() {
	if t, ok := l.config.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// SignIn asks the app, once. The errors are login.ErrRefused for what nobody's
// password is, login.ErrUnknown, login.ErrBusy, a *profile.Refused when a
// demand of the mapping does not hold, else trouble. All but the first three are
// *login.Answered, unless the app cannot be reached.
//
// An app answers in one way whether the person is unknown or the password is
// wrong, so a refusal is always ErrUnknown: the next password method is asked,
// and from the last of them it is the same 401 as any other refusal.
func (l *Login) SignIn(ctx context.Context, typed login.Typed) (*profile.Person, error) {
	// An empty password is refused here: some back ends take it for a visitor
	// who wants no more than to look, and let them in (RFC 4513 section 5.1.2).
	if typed.Password == "" || len(typed.Password) > login.MaxPassword || len(typed.Name) > profile.MaxEmail {
		return nil, login.ErrRefused
	}
	if isMadeUp(typed.Name) {
		return nil, &login.Unclear{Err: l.trouble(errMadeUp)}
	}
	if !login.IsAddress(typed.Name) && !l.config.TakesNames {
		return nil, &login.Unclear{Err: l.trouble(errNoAddress)}
	}
	leave, err := l.calls.Enter(ctx, typed.Turn, 1)
	if err != nil {
		return nil, err
	}
	defer leave()
	content, ok := l.body.write(typed.Name, typed.Password)
	if !ok {
		return nil, login.ErrNotAsked
	}
	answer, err := l.ask(ctx, content)
	switch {
	case errors.Is(err, source.ErrNotReached):
		return nil, l.trouble(err)
	case err != nil: // it may have looked at the password
		return nil, l.judgeUnread(answer.Status, err)
	}
	person, err := l.person(answer, typed.Name, newSecret(l.body.secretFields, typed.Name, typed.Password))
	if err != nil && !errors.Is(err, login.ErrUnknown) {
		return nil, &login.Answered{Err: err, Down: isDown(answer.Status)}
	}
	return person, err
}

// ask posts the content. A transport sends a POST again only when nothing of
// it had left, so an app counts one attempt for one.
func (l *Login) ask(ctx context.Context, content []byte) (source.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(content))
	if err != nil {
		return source.Answer{}, errors.New("its URL cannot be asked")
	}
	r.Header.Set("Content-Type", l.body.contentType)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "sidegate")
	source.SetHeaders(r, l.config.Headers)
	return source.Ask(ctx, source.Who{Kind: source.Login, Name: l.config.Name}, l.config.Transport, r)
}

// person makes of the answer who has signed in.
func (l *Login) person(answer source.Answer, name string, s secret) (*profile.Person, error) {
	fact := factOf(answer, s)
	fact[factUsername] = name
	facts := profile.Facts{"login": fact}
	if err := l.judge(answer, facts); err != nil {
		return nil, err
	}
	person, err := l.mapped(name, &profile.Kept{Facts: facts})
	if err == nil && l.config.KeepCookies {
		l.cookies(person, answer.Header, s)
	}
	if _, isJSON := fact["body"]; err != nil && !isJSON {
		return nil, fmt.Errorf("%w (the app's answer has no JSON that can be mapped)", err)
	}
	return person, err
}

// mapped fills the person from the facts that are kept. Their subject is the very
// name that the app has let in: in another spelling it may be somebody else's.
func (l *Login) mapped(name string, kept *profile.Kept) (*profile.Person, error) {
	person := &profile.Person{Subject: name, Kept: kept}
	if login.IsAddress(name) {
		person.Email = name
	} else {
		person.Username = name
	}
	if l.config.Mapper == nil {
		return person, nil
	}
	if l.config.TellsEmail {
		person.Email = ""
	}
	if err := l.config.Mapper.Apply(person, kept.Facts); err != nil {
		return nil, l.trouble(err)
	}
	if person.Email == "" {
		return nil, l.trouble(&profile.Unmapped{Err: errNoEmail})
	}
	return person, nil
}

// errNoAddress is for a name of which no session can be made: the app is not asked,
// for its yes would come to nothing and tell that the password is right.
var errNoAddress = fmt.Errorf("%w: what was typed is no email address, and a session needs one: where people sign in by "+
	"names, let map make it, such as email `login.username + \"@users.invalid\"`, or take that of the app's answer", login.ErrNotAsked)

// madeUpDomain is where the addresses are that a mapping makes up for people
// without one (RFC 2606 section 2).
const madeUpDomain = "@users.invalid"

// isMadeUp reports whether somebody types such an address: it is another's who
// has a name and no address.
func isMadeUp(name string) bool {
	return strings.HasSuffix(strings.TrimRight(strings.ToLower(name), "."), madeUpDomain)
}

var errMadeUp = fmt.Errorf("%w: an address at users.invalid was typed, and those are made up for people who have a name and no address: nobody has one", login.ErrNotAsked)

// errNoEmail is for an app that is to say who a person is and does not: what was
// typed stands for nobody.
var errNoEmail = errors.New("map email gives none, and what people type is not taken for it: " +
	"let the expression err where the app tells no address, or say `trust_typed_email`")

// Rebuild maps anew what the app said at sign-in, for the password is gone and
// the app cannot be asked again: roles follow the mapping of the moment, and
// those who know more, the directories, are asked by whoever calls this.
//
// A session of which nothing is kept (the login had another method when it
// began) is a *profile.Unmapped: nobody vouches for what it says.
func (l *Login) Rebuild(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
	kept, err := profile.DecodeKept(s.Kept)
	if err == nil && (kept == nil || kept.Facts["login"] == nil) {
		err = errors.New("the session keeps nothing of its sign-in to build it anew of: the person signs in again")
	}
	if err != nil {
		return nil, l.trouble(&profile.Unmapped{Err: err})
	}
	name := s.Subject
	if name == "" {
		name = s.User.Email
	}
	if fact, ok := kept.Facts["login"].(map[string]any); ok && fact[factUsername] == nil {
		fact[factUsername] = name // the session is older than the fact
	}
	return l.mapped(name, kept)
}

// Recall is Rebuild: the app cannot be asked again.
func (l *Login) Recall(s *sessionstore.Session) (p *profile.Person, whole bool, err error) {
	p, err = l.Rebuild(context.Background(), s)
	return p, true, err
}

func (l *Login) trouble(err error) error { return fmt.Errorf("login %s: %w", l.config.Name, err) }
