package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// people is a login that can name them without a password.
type people interface {
	login.Method
	Person(name string) (*profile.Person, error)
	Names() []string
}

// signedIn begins the session of who asks; nil for nobody.
func (l *loaded) signedIn(q *question) (s *sessionstore.Session, secret sessionstore.Secret, err error) {
	switch {
	case q.session != nil:
		s, secret, err = l.given(q.session, q.from)
	case q.as != "":
		s, secret, err = l.known(q.as, q.from)
	default:
		return nil, secret, nil
	}
	if err != nil || q.account == "" {
		return s, secret, err
	}
	if _, ok := s.User.Account(q.account); !ok {
		return nil, secret, noAccount(q.account, &s.User)
	}
	return s, secret, nil
}

func noAccount(account string, u *sessionstore.UserSession) error {
	var ids []string
	for _, a := range u.Accounts {
		ids = append(ids, a.AccountID)
	}
	if len(ids) == 0 {
		return fmt.Errorf("%s has no account, so none of the id %q either", u.Email, account)
	}
	return fmt.Errorf("%s has no account %q: there are %s", u.Email, account, strings.Join(ids, ", "))
}

// known signs in a person of a users file.
func (l *loaded) known(typed string, from netip.Addr) (*sessionstore.Session, sessionstore.Secret, error) {
	name, err := login.ReadName(typed)
	if err != nil {
		return nil, sessionstore.Secret{}, fmt.Errorf("--as %q: that is no name to sign in by", typed)
	}
	for _, method := range l.gateway.Logins {
		file, ok := method.(people)
		if !ok {
			continue
		}
		person, err := file.Person(name)
		switch {
		case errors.Is(err, login.ErrUnknown):
			continue
		case err != nil:
			return nil, sessionstore.Secret{}, fmt.Errorf("%s is disabled in the users file, and signs in nowhere", name)
		}
		s, secret, err := l.gateway.Sessions.Begin(context.Background(), method, person, lifecycle.Arrival{Address: from})
		if err != nil {
			return nil, secret, fmt.Errorf("%s cannot sign in: %w", name, err)
		}
		return s, secret, nil
	}
	return nil, sessionstore.Secret{}, l.unknown(name)
}

// unknown says who may have been meant, and where there are people that are not
// asked about.
func (l *loaded) unknown(name string) error {
	var names, elsewhere []string
	files := 0
	for _, method := range l.gateway.Logins {
		if file, ok := method.(people); ok {
			files++
			names = append(names, file.Names()...)
		} else if method.Name() != (vouching{}).Name() {
			elsewhere = append(elsewhere, method.Name())
		}
	}
	said := "nobody of the users file is called " + name
	if files == 0 {
		said = "there is no login with a users file, so nobody is known by name"
	}
	if near, ok := directive.Nearest(name, names); ok {
		return fmt.Errorf("%s: did you mean %s?", said, near)
	}
	if len(elsewhere) > 0 {
		said += "; people of " + strings.Join(elsewhere, ", ") + " are asked about there: give the session of one by --input"
	}
	return errors.New(said)
}

// given keeps a session as it is.
func (l *loaded) given(g *given, from netip.Addr) (*sessionstore.Session, sessionstore.Secret, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	u := &g.UserSession
	secret := sessionstore.NewSecret(u.ID)
	s := &sessionstore.Session{
		Key: secret.Key(), User: *u, Method: vouching{}.Name(), Subject: u.Email, BuiltAt: now, Address: from.String(),
		Username: g.Username, Name: g.Name, Attributes: g.Attributes,
		CreatedAt: now, ExpiresAt: now.Add(l.gateway.Lifetime), LastSeenAt: now, Version: 1,
	}
	_, err := l.gateway.Store.Create(context.Background(), s, sessionstore.Limit{})
	return s, secret, err
}

// maxSession bounds the file of a session, in bytes.
const maxSession = 1 << 20

// given is a session as GET /auth/session answers it, with what headers can tell beside
// that, which is in no answer.
type given struct {
	sessionstore.UserSession
	Username   string            `json:"username"`
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
}

// inWords is an error of JSON without the names of Go's types.
func inWords(err error) string {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := kind.Field[strings.LastIndexByte(kind.Field, '.')+1:]
		if field == "" {
			return "it is a JSON " + kind.Value + ", and no object"
		}
		return fmt.Sprintf("its %s is a JSON %s, and should be %s", field, kind.Value, jsonKind(kind.Type))
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("it is no JSON, at byte %d: %s", syntax.Offset, syntax)
	}
	return err.Error()
}

// jsonKind is what JSON calls a type of Go.
func jsonKind(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "a whole number"
}

// readSession reads one.
func readSession(file string, stdin io.Reader) (*given, error) {
	in := stdin
	if file != "-" {
		opened, err := os.Open(file) // #nosec G304 -- who runs the command names the file
		if err != nil {
			return nil, fmt.Errorf("--input: %w", err)
		}
		defer func() { _ = opened.Close() }()
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSession+1))
	if err != nil {
		return nil, fmt.Errorf("--input: %w", err)
	}
	if len(text) > maxSession {
		return nil, fmt.Errorf("--input: %s is larger than %d bytes", file, maxSession)
	}
	u := &given{UserSession: sessionstore.UserSession{Accounts: []sessionstore.Account{}, FlatRolesList: []string{}, FlatPermissionsList: []string{}}}
	if err := json.Unmarshal(text, u); err != nil {
		return nil, fmt.Errorf("--input: %s holds no session as GET /auth/session answers it: %s", file, inWords(err))
	}
	if u.ID < 1 || u.Email == "" {
		return nil, fmt.Errorf("--input: %s holds no session as GET /auth/session answers it: it has no id, or no email", file)
	}
	u.Token = ""
	return u, nil
}
