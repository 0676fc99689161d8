package directory

import (
	"fmt"
	"strconv"

	"example.com/sidegate/caddymodule/profile"
)

// placeholders are those that a directory's URL may hold.
var placeholders = []string{"identity.email", "identity.id", "identity.subject", "identity.name"}

// identity is who is asked about. What is not known is empty.
type identity struct{ email, id, subject, name string }

// identify is the person as the login knows them. An address that is none
// stays empty: nobody is asked about it.
func identify(p *profile.Person) identity {
	who := identity{subject: p.Subject, name: p.Name}
	if email, err := profile.NormalizeEmail(p.Email); err == nil {
		who.email = email
	}
	if who.subject == "" {
		who.subject = who.email
	}
	if p.ID > 0 {
		who.id = strconv.FormatInt(p.ID, 10)
	}
	return who
}

func (i identity) values() map[string]string {
	return map[string]string{
		"identity.email":   i.email,
		"identity.id":      i.id,
		"identity.subject": i.subject,
		"identity.name":    i.name,
	}
}

// check refuses an answer about somebody else: a search that ignores its
// parameter, a proxy that hands out somebody else's cached page. Fields that
// are absent, empty or no text say nothing.
func (i identity) check(answer map[string]any) error {
	for _, field := range []string{"email", "sub", "subject"} {
		said, _ := answer[field].(string)
		if said == "" {
			continue
		}
		same := said == i.subject
		if field == "email" {
			same = i.isEmail(said)
		} else if i.subject == i.email {
			// Who is known by an email address is so in any spelling of it.
			same = i.isEmail(said)
		}
		if !same {
			return fmt.Errorf("%w (its %s differs)", ErrOtherPerson, field)
		}
	}
	return nil
}

func (i identity) isEmail(said string) bool {
	email, err := profile.NormalizeEmail(said)
	return err == nil && i.email != "" && email == i.email
}
