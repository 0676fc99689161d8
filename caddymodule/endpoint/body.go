package endpoint

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// The bodies that endpoints read.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// mediaType is the type of the request's body, without parameters.
func mediaType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// isForm tells a page's form from a program's call.
func isForm(r *http.Request) bool {
	return mediaType(r) == mediaForm || web.IsNavigation(r)
}

// readJSON reads one JSON object and nothing behind it.
func readJSON(r *http.Request, target any) *refusal.Refusal {
	decoder := json.NewDecoder(r.Body)
	if err := decoder.Decode(target); err != nil {
		return refuseBody(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return refuseBody(err)
	}
	return nil
}

// refuseBody tells a body that is too large, or did not come in time, from one
// that is malformed. What was wrong with it is not told: it may hold a password.
func refuseBody(err error) *refusal.Refusal {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refusal.TooLarge
	}
	if errors.Is(err, errSlow) {
		return refusal.Slow
	}
	return refusal.Malformed
}

// credentials are what somebody typed, or a program sent.
type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	returnTo string
	form     bool
}

func readCredentials(r *http.Request) (credentials, *refusal.Refusal) {
	switch mediaType(r) {
	case mediaJSON:
		var given credentials
		why := readJSON(r, &given)
		return given, why
	case mediaForm:
		return readForm(r)
	default:
		return credentials{}, refusal.Media
	}
}

func readForm(r *http.Request) (credentials, *refusal.Refusal) {
	if err := r.ParseForm(); err != nil {
		return credentials{form: true}, refuseBody(err)
	}
	return credentials{
		Email:    r.PostForm.Get("email"),
		Password: r.PostForm.Get("password"),
		returnTo: r.PostForm.Get("return_to"),
		form:     true,
	}, nil
}
