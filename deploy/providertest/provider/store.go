package provider

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// How long things are good that no configuration speaks of.
const (
	requestLife = 10 * time.Minute
	codeLife    = time.Minute
	sessionLife = 10 * time.Hour
	refreshLife = 30 * 24 * time.Hour
)

// store is all that the provider knows, behind one lock. It is the storage of
// the library.
type store struct {
	config Config
	issuer string
	now    func() time.Time
	// tell informs clients that sessions have ended; it is called unlocked.
	tell func(ctx context.Context, endings []ending) []LogoutCall

	mu       sync.Mutex
	people   map[string]Person // by subject
	clients  map[string]Client
	ring     ring
	requests *shelf[*authRequest]
	codes    *shelf[string]       // id of the request, by code
	redeemed *shelf[*family]      // by code, to end what a code gave that comes again
	sessions *shelf[*session]     // by sid
	browsers *shelf[string]       // sid, by the cookie's value
	access   *shelf[*accessToken] // by id
	families *shelf[*family]      // by every refresh token that they had
	tally    Tally
	told     []LogoutCall
}

func newStore(c Config, issuer string) (*store, error) {
	s := &store{
		config: c, issuer: issuer, now: time.Now,
		people: make(map[string]Person), clients: make(map[string]Client),
		tally: Tally{RefreshCalls: make(map[string]int)},
	}
	s.requests = newShelf[*authRequest](s.clock)
	s.codes = newShelf[string](s.clock)
	s.redeemed = newShelf[*family](s.clock)
	s.sessions = newShelf[*session](s.clock)
	s.browsers = newShelf[string](s.clock)
	s.access = newShelf[*accessToken](s.clock)
	s.families = newShelf[*family](s.clock)
	return s, s.ring.rotate(c.Algorithm, false)
}

// clock is now, which a test may have exchanged.
func (s *store) clock() time.Time { return s.now() }

// Health is what the library's /ready asks.
func (s *store) Health(context.Context) error { return nil }

// GetClientByClientID finds a client.
func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	client, ok := s.clientOf(id)
	if !ok {
		return nil, errors.New("there is no such client")
	}
	return client, nil
}

// AuthorizeClientIDSecret checks a client's secret. A public client has none
// that could be right.
func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	client, ok := s.clientOf(id)
	if !ok || client.Secret == "" || subtle.ConstantTimeCompare([]byte(client.Secret), []byte(secret)) != 1 {
		return errors.New("the client or its secret is wrong")
	}
	return nil
}

// GetKeyByIDAndClientID is the key of a private_key_jwt client.
func (s *store) GetKeyByIDAndClientID(_ context.Context, keyID, id string) (*jose.JSONWebKey, error) {
	client, ok := s.clientOf(id)
	if !ok || client.PublicKey == nil {
		return nil, errors.New("the client has no key")
	}
	return &jose.JSONWebKey{Key: client.PublicKey, KeyID: keyID, Use: "sig"}, nil
}

// ValidateJWTProfileScopes refuses the JWT bearer grant: a client's key proves
// the client, and nobody else.
func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, oidc.ErrUnauthorizedClient().WithDescription("assertions are for client authentication only")
}

// random is a name that nobody guesses.
func random() string { return rand.Text() }
