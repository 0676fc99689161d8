package endpoint

import (
	"encoding/base64"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/login/oidc"
)

const (
	// returnToParam is where a sign-in is to lead back to, and cutParam says that
	// this is not all of where the person wanted to go.
	returnToParam = "return_to"
	cutParam      = "cut"
	// packed begins a return_to that is squeezed. No path begins so, and no URL.
	packed = "~"
	// plainReturnTo is from where on, in bytes, one is squeezed, and maxPacked
	// what it may take then: nginx passes on a redirect whose headers are below
	// 4 KiB, all of them together, and answers 502 to others.
	plainReturnTo = 1 << 10
	maxPacked     = 3300
)

// returnToQuery is the query that takes where a person wanted to go on to the
// next page here. One that is too long for that is cut to its path.
func returnToQuery(target string, cut bool) string {
	if target == "/" && !cut {
		return ""
	}
	value := url.QueryEscape(target)
	if len(value) > plainReturnTo {
		value = packed + base64.RawURLEncoding.EncodeToString(oidc.Squeeze(target))
	}
	switch {
	case len(value) <= maxPacked:
	case len(target) > len(toPath(target)):
		return returnToQuery(toPath(target), true)
	default:
		return returnToQuery("/", true)
	}
	query := "?" + returnToParam + "=" + value
	if cut {
		query += "&" + cutParam + "=1"
	}
	return query
}

// readReturnTo is what returnToQuery wrote, or somebody else.
func readReturnTo(u *url.URL) (returnTo string, cut bool) {
	query := u.Query()
	returnTo, cut = only(query, returnToParam), query.Get(cutParam) != ""
	squeezed, ok := strings.CutPrefix(returnTo, packed)
	if !ok {
		return returnTo, cut
	}
	raw, err := base64.RawURLEncoding.DecodeString(squeezed)
	if err != nil {
		return "", cut
	}
	returnTo, _ = oidc.Unsqueeze(raw, oidc.MaxReturnTo)
	return returnTo, cut
}
