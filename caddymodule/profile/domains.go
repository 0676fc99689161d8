package profile

import (
	"fmt"
	"slices"
	"strings"
)

// Domains are those that the email addresses of people may be of. None means
// that any may.
type Domains []string

// ParseDomains reads domains as an operator writes them: example.com is that
// domain alone, *.example.com whatever is below it. Case does not matter.
func ParseDomains(written []string) (Domains, error) {
	var d Domains
	for _, domain := range written {
		domain = strings.ToLower(domain)
		rest := strings.TrimPrefix(domain, "*.")
		if _, err := NormalizeEmail("name@" + rest); err != nil || strings.Contains(rest, "*") {
			return nil, fmt.Errorf("%q is no domain such as example.com, or *.example.com for all below it", domain)
		}
		d = append(d, domain)
	}
	return d, nil
}

// Admit gives a *Refused for an address of another domain. The address is
// normalised (see NormalizeEmail), or none.
func (d Domains) Admit(email string) error {
	if len(d) == 0 || slices.ContainsFunc(d, func(domain string) bool { return isOf(email, domain) }) {
		return nil
	}
	return &Refused{Why: "email_domains has another domain than the person's email address"}
}

func isOf(email, domain string) bool {
	_, of, _ := strings.Cut(email, "@")
	if below, ok := strings.CutPrefix(domain, "*"); ok {
		return strings.HasSuffix(of, below) && len(of) > len(below)
	}
	return of == domain
}
