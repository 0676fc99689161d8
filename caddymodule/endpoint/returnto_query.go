package endpoint

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/web"
)

const (
	// returnToParam is where a sign-in is to lead back to, and cutParam says that
	// this is not all of where the person wanted to go.
	returnToParam = "return_to"
	cutParam      = "cut"
	// fragmentParam is what stands behind the # of that address. No server is sent it:
	// the script of the login page writes it here.
	fragmentParam = "fragment"
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
	case strings.Contains(target, "#"):
		before, _, _ := strings.Cut(target, "#")
		return returnToQuery(before, true)
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

// varyOnOpening is what the way to the one provider depends on.
const varyOnOpening = web.VaryOnCaller + ", Sec-Fetch-Mode, Sec-Fetch-Dest"

// opensADocument reports whether a browser says that it shows the answer in a tab, where
// a page of ours may read the fragment of the address.
func opensADocument(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// readReturnTo is what returnToQuery wrote, or somebody else, with the fragment that a
// page of ours has added. One that there is no room for is left out: the rest is of more use.
func readReturnTo(u *url.URL) (returnTo string, cut bool) {
	query := u.Query()
	returnTo, cut = unpackReturnTo(query)
	fragment := only(query, fragmentParam)
	switch whole := cmp.Or(returnTo, "/") + "#" + fragment; {
	case fragment == "" || strings.Contains(returnTo, "#"):
		return returnTo, cut
	case len(whole) > oidc.MaxReturnTo:
		return returnTo, true
	default:
		return whole, cut
	}
}

func unpackReturnTo(query url.Values) (returnTo string, cut bool) {
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
