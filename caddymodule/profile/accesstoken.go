package profile

import (
	"fmt"
	"time"
)

// MaxAccessToken is the most bytes of an access token that is kept: it goes into a
// header of every request, and many apps take 8 or 16 KiB of all of them.
const MaxAccessToken = 16 << 10

// AccessToken is a provider's access token, as a session keeps it. It is a
// credential: printed, it says nothing.
type AccessToken struct {
	// Token is the token. Empty says that there is none that can be kept, which is
	// something else than that none was looked for: asking again gives none either.
	Token string `json:"token,omitempty"`
	// At is when it was asked for, and Until when it expires, in milliseconds since
	// 1970. Until is 0 where the provider does not say.
	At    int64 `json:"at,omitempty"`
	Until int64 `json:"until,omitempty"`
}

// NewAccessToken is a token that was asked for at that moment and lives so long; 0
// is for a provider that does not say.
func NewAccessToken(token string, at time.Time, life time.Duration) *AccessToken {
	a := &AccessToken{Token: token, At: at.UnixMilli()}
	if life > 0 {
		a.Until = at.Add(life).UnixMilli()
	}
	return a
}

// Format answers every verb with the same words.
func (*AccessToken) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[access token]")) }
