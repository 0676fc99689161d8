package provider

import (
	"maps"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// Person is somebody who can sign in.
type Person struct {
	// Subject is the sub. Required.
	Subject string
	// Email is the claim of the scope email, and what one clicks to sign in.
	// Required.
	Email string
	// Unverified says email_verified false.
	Unverified bool
	// Name is the claim of the scope profile.
	Name string
	// Claims are any others, such as groups, realm_access, organization, uid.
	// They go before those above; nil leaves that claim out.
	Claims map[string]any
	// AccessClaims stand in access tokens that are JWTs, and nowhere else.
	AccessClaims map[string]any
}

// SetPerson adds the person, or changes them: tokens made from now on say so.
func (p *Provider) SetPerson(person Person) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	person.Claims = maps.Clone(person.Claims)
	p.store.people[person.Subject] = person
}

// RemovePerson forgets the person. Who is signed in stays so at the clients,
// until their next refresh: invalid_grant.
func (p *Provider) RemovePerson(subject string) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	delete(p.store.people, subject)
}

// byEmail finds a person. The store is locked.
func (s *store) byEmail(email string) (Person, bool) {
	for _, person := range s.people {
		if person.Email == email {
			return person, true
		}
	}
	return Person{}, false
}

// everybody is all the people in the order of their addresses.
func (s *store) everybody() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.people), func(a, b Person) int {
		if a.Email < b.Email {
			return -1
		}
		return 1
	})
}

// tellAbout puts the person's claims of those scopes into what the library
// sends. They go among the further claims, where false is said and not left
// out.
func (p Person) tellAbout(info *oidc.UserInfo, scopes []string) {
	claims := make(map[string]any)
	if slices.Contains(scopes, oidc.ScopeEmail) {
		claims["email"], claims["email_verified"] = p.Email, !p.Unverified
	}
	if slices.Contains(scopes, oidc.ScopeProfile) && p.Name != "" {
		claims["name"] = p.Name
	}
	maps.Copy(claims, p.Claims)
	info.Subject = p.Subject
	for name, value := range claims {
		if value != nil {
			info.AppendClaims(name, value)
		}
	}
}
