package caller

import "strings"

// bearer is what the Authorization headers of a request present.
type bearer struct {
	token string
	count int // 0: no Bearer; more than 1: more than one Authorization header
}

// PresentsBearer reports whether a Bearer token came with the request.
func (v *Remembered) PresentsBearer() bool { return v.bearer().count > 0 }

// bearer reads Authorization. Other schemes are none of our business and go
// on to the upstream.
func (v *Remembered) bearer() bearer {
	return bearerOf(v.authorization)
}

func bearerOf(authorization []string) bearer {
	var b bearer
	for _, value := range authorization {
		if token, ok := bearerToken(value); ok {
			b = bearer{token: token, count: len(authorization)}
		}
	}
	return b
}

// bearerToken takes a tab for the space that should be there: an app may do so
// too, and must not be handed a token of ours for it.
func bearerToken(value string) (string, bool) {
	const scheme = "Bearer"
	if len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return "", false
	}
	token := strings.TrimLeft(value[len(scheme):], " \t")
	return token, len(value) == len(scheme) || len(token) < len(value)-len(scheme)
}

// bearerTokens are all tokens that the request presents, also those that come
// with others in one header, as a proxy may join them. They are good for nothing
// together, and each can be signed out.
func (v *Remembered) bearerTokens() (tokens []string) {
	for _, value := range v.authorization {
		ours := false
		for part := range strings.SplitSeq(value, ",") {
			words := strings.Fields(part)
			switch {
			case len(words) == 0:
				continue
			case strings.EqualFold(words[0], "Bearer"):
				ours, words = true, words[1:]
			case len(words) > 1:
				ours = false // another scheme's
			}
			if ours {
				tokens = append(tokens, words...)
			}
		}
	}
	return tokens
}
