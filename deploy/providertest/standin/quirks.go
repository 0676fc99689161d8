package standin

// Quirks are what a provider does otherwise than others: the zero value does
// everything as the standards say. The maps change members of what it says, and
// nil as a value leaves a member out.
type Quirks struct {
	// Issuer is what it calls itself. Default: its address.
	Issuer string
	// Metadata changes the discovery document.
	Metadata map[string]any
	// Moved has its usual place lead elsewhere by a redirect.
	Moved bool

	// Answer changes what comes back to the callback; an empty text leaves a
	// parameter out.
	Answer map[string]string
	// Error is what the authorization endpoint answers in place of a code, as
	// often as Errors says.
	Error  string
	Errors int

	// Algorithm is the alg of its tokens: ES256 (default), EdDSA, Ed25519 or HS256.
	Algorithm string
	// Key changes the one key of its key set, Header and Claims the ID token.
	Key, Header, Claims map[string]any
	// Access makes the access token a JWT with these claims beside iss, sub, aud
	// and exp. Default: a text that says nothing.
	Access map[string]any
	// Tokens changes the token endpoint's answer.
	Tokens map[string]any
	// TokenStatus and UserInfoStatus are what those endpoints answer, if not 200.
	TokenStatus, UserInfoStatus int
	// TokenError is what the token endpoint answers, with status 400, if not nil.
	TokenError map[string]any
	// NoVerifier has the token endpoint fail on a code_verifier.
	NoVerifier bool
	// Spent has it call every code used.
	Spent bool
	// Info changes userinfo.
	Info map[string]any
	// NoPosts has the end of session refuse forms.
	NoPosts bool
}

// with is a copy of m with changes.
func with(m, changes map[string]any) map[string]any {
	changed := make(map[string]any, len(m))
	for _, from := range []map[string]any{m, changes} {
		for name, value := range from {
			changed[name] = value
			if value == nil {
				delete(changed, name)
			}
		}
	}
	return changed
}
