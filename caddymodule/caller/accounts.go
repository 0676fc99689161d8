package caller

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/identity"
)

// chosen are the accounts that the address of a request chooses; nil where none may.
func (c *Credentials) chosen(r *http.Request) []string {
	if c.AccountParam == "" || r.URL.RawQuery == "" {
		return nil
	}
	_, accounts := identity.TakeParameter(r.URL.RawQuery, c.AccountParam)
	return accounts
}

// together are the accounts that a request chooses by header and by address. The same
// one by both is one; else each stands there, so that it is refused as two headers are.
func together(header, address []string) []string {
	switch {
	case len(address) == 0, len(header) == 1 && len(address) == 1 && header[0] == address[0]:
		return header
	case len(header) == 0, len(header) == 1 && len(address) == 1 && decoded(header[0]) == address[0]:
		return address
	}
	return slices.Concat(header, address)
}

// decoded is an account as a page has to write it that is not in ASCII, percent-encoded:
// a header of fetch holds nothing else. What is not encoded is as it was.
func decoded(account string) string {
	if plain, err := url.PathUnescape(account); err == nil {
		return plain
	}
	return account
}

// ChooseBy has the account chosen by the address of a request that is asked about, and
// by the header that came with the question. It does nothing where no parameter does.
func ChooseBy(asked *http.Request, parameter string) {
	if parameter != "" {
		v := Remember(asked)
		_, accounts := identity.TakeParameter(asked.URL.RawQuery, parameter)
		v.Accounts = together(asked.Header[AccountHeader], accounts)
	}
}

// HideAccount takes the parameter that chooses an account out of the address that an app
// gets, also where one is told the address as it came (REQUEST_URI of FastCGI). It is
// remembered as it came: see AddressOf.
func HideAccount(r *http.Request, v *Remembered, parameter string) {
	left, accounts := identity.TakeParameter(r.URL.RawQuery, parameter)
	original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if accounts != nil {
		v.address = AddressOf(r)
		r.URL.RawQuery = left
	}
	if !ok || original.URL == nil {
		return
	}
	if left, accounts := identity.TakeParameter(original.URL.RawQuery, parameter); accounts != nil {
		v.address = original.URL.RequestURI()
		original.URL.RawQuery = left
	}
}

// AddressOf is what the client asked for, before any rewrite.
func AddressOf(r *http.Request) string {
	if v := Remember(r); v.address != "" {
		return v.address
	}
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.URL.RequestURI()
	}
	return r.URL.RequestURI()
}
