package adopt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
	"example.com/sidegate/sessionstore"
)

// Of one gateway's people maxAsked are asked about at once and maxWaiting wait: when
// it is put in the place of another all of them come within minutes.
const (
	maxAsked   = 64
	maxWaiting = 2048
)

// Login takes over the people of one other gateway. It is a login.Rebuilder of those
// who are no other login's, and safe for concurrent use.
type Login struct {
	config  Config
	names   *Names
	headers []string
	url     *url.URL
	shown   string // the same for the log, without its query
	calls   *login.Gate
}

var (
	_ login.Rebuilder = (*Login)(nil)
	_ login.Recaller  = (*Login)(nil)
)

// New makes the login, without touching the network. Its errors name what is wrong
// with the configuration, and never show a value of it but names, dates and hosts.
func New(c Config) (*Login, error) {
	l, err := newLogin(c)
	if err != nil {
		return nil, fmt.Errorf("login adopt %s: %w", c.Name, err)
	}
	return l, nil
}

func newLogin(c Config) (l *Login, err error) {
	l = &Login{config: c.withDefaults(), calls: login.NewGate(login.GateLimits{Running: maxAsked, Waiting: maxWaiting})}
	if l.url, err = addressOf(c.URL); err != nil {
		return nil, err
	}
	l.shown, _, _ = strings.Cut(l.url.String(), "?")
	if c.Timeout > MaxTimeout {
		return nil, fmt.Errorf("timeout %s: %s at most, for people wait for it", c.Timeout, MaxTimeout)
	}
	if len(c.Cookies) == 0 {
		return nil, errors.New("name the cookies of the other gateway, such as cookie _oauth2_proxy: nobody comes with one otherwise")
	}
	if l.names, err = NewNames(c.Cookies...); err != nil {
		return nil, err
	}
	for _, name := range c.Headers {
		if err := checkHeader(name); err != nil {
			return nil, err
		}
		l.headers = append(l.headers, http.CanonicalHeaderKey(name))
	}
	if c.Until.IsZero() {
		return nil, errors.New("say until when people are adopted, such as until 2027-03-31: the other gateway's cookies are to count for a while alone")
	}
	if !l.config.Now().Before(c.Until) {
		return nil, fmt.Errorf("until %s has passed: take the login away, or give another date", c.Until.Format(time.RFC3339))
	}
	return l, nil
}

// Name is the login's name in the configuration.
func (l *Login) Name() string { return l.config.Name }

// Names are those of the other gateway's cookies.
func (l *Login) Names() *Names { return l.names }

// Until is when nobody is adopted any more.
func (l *Login) Until() time.Time { return l.config.Until }

// Over reports whether that time has come.
func (l *Login) Over() bool { return !l.config.Now().Before(l.config.Until) }

// SetAs is for a login that is known only when all are: see Config. It is for while
// the configuration is loaded.
func (l *Login) SetAs(as As) { l.config.As = as }

// Close gives idle connections back. People are adopted all the same.
func (l *Login) Close() {
	if t, ok := l.config.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Ask asks the other gateway who somebody is. The errors are login.ErrUnknown, or
// login.ErrRefused of the login that they are to be a person of, for a no;
// *profile.Refused and *profile.Unmapped for an answer that makes nobody of them;
// login.ErrBusy; what Question.Still says; else trouble, which is a *Silent where the
// question has come there.
func (l *Login) Ask(ctx context.Context, q Question) (Found, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	leave, err := l.calls.Enter(ctx, q.Turn, 1)
	if err != nil {
		return Found{}, l.trouble(errors.Join(login.ErrBusy, err))
	}
	answer, asked, err := l.askStill(ctx, q)
	leave()
	if err = l.judge(answer.Status, err); err != nil {
		return Found{}, l.trouble(silent(asked, err))
	}
	p, err := l.person(answer)
	if err != nil {
		return Found{}, l.trouble(err)
	}
	return l.found(ctx, p)
}

// askStill is ask, where it is still to be asked.
func (l *Login) askStill(ctx context.Context, q Question) (answer source.Answer, asked bool, err error) {
	if q.Still != nil {
		if err := q.Still(ctx); err != nil {
			return source.Answer{}, false, err
		}
	}
	answer, err = l.ask(ctx, q)
	return answer, true, err
}

func (l *Login) ask(ctx context.Context, q Question) (source.Answer, error) {
	r, err := l.request(ctx, q)
	if err != nil {
		return source.Answer{}, errors.New("it cannot be asked about cookies like these")
	}
	answer, err := source.Ask(ctx, source.Who{Kind: source.Login, Name: l.config.Name}, l.config.Transport, r)
	if err == nil && len(answer.Body) > maxBody {
		err = errTooLarge
	}
	return answer, err
}

// Rebuild maps anew what the other gateway said, for it is asked once: roles follow
// the mapping of the moment. A session of which nothing is kept is a
// *profile.Unmapped.
func (l *Login) Rebuild(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
	kept, err := profile.DecodeKept(s.Kept)
	if err == nil && (kept == nil || kept.Facts[factLogin] == nil) {
		err = errors.New("the session keeps nothing of what the other gateway said")
	}
	if err != nil {
		return nil, l.trouble(&profile.Unmapped{Err: err})
	}
	p, err := l.mapped(kept)
	if err == nil && p.Email == "" {
		err = &profile.Unmapped{Err: errNoAddress}
	}
	if err != nil {
		return nil, l.trouble(err)
	}
	return p, nil
}

var errNoAddress = errors.New("what is kept of the other gateway's answer tells no email address")

// Recall is Rebuild: the other gateway is not asked again.
func (l *Login) Recall(s *sessionstore.Session) (p *profile.Person, whole bool, err error) {
	p, err = l.Rebuild(context.Background(), s)
	return p, true, err
}

func (l *Login) trouble(err error) error { return fmt.Errorf("login %s: %w", l.config.Name, err) }
