package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

const (
	// registry, alone, is the expression of an ID that the store hands out.
	registry = "registry"
	// maxToken is the most bytes of an upstream token.
	maxToken = 16 << 10
	// notShown is in a trace where a credential would be.
	notShown = "(a credential: kept, not shown)"
)

// field is a field of a person that a rule may fill.
type field struct {
	name   string
	wants  string
	admits func(*cel.Type) bool
	// fill puts what the expression yielded into the person, and hands out what
	// it has put there.
	fill func(p *profile.Person, v ref.Val, expr string) (any, error)
	// needs is the variable without which the field makes no sense.
	needs string
}

// fields are in the order of Fields.
var fields = []*field{
	newField("id", identifier, func(p *profile.Person) *int64 { return &p.ID }),
	newField("email", text(profile.MaxText), func(p *profile.Person) *string { return &p.Email }),
	newField("created_by", text(profile.MaxText), func(p *profile.Person) *string { return &p.CreatedBy }),
	newField("created_at", date, func(p *profile.Person) *time.Time { return &p.CreatedAt }),
	newField("updated_by", text(profile.MaxText), func(p *profile.Person) *string { return &p.UpdatedBy }),
	newField("updated_at", date, func(p *profile.Person) *time.Time { return &p.UpdatedAt }),
	newField("accounts", accountList, func(p *profile.Person) *[]sessionstore.Account { return &p.Accounts }),
	newField("primary_account", text(profile.MaxName), func(p *profile.Person) *string { return &p.PrimaryAccount }),
	newField("roles", texts(profile.MaxRoles), func(p *profile.Person) *[]string { return &p.Roles }),
	newField("permissions", texts(profile.MaxPermissions), func(p *profile.Person) *[]string { return &p.Permissions }),
	newField("username", text(profile.MaxText), func(p *profile.Person) *string { return &p.Username }),
	newField("name", text(profile.MaxText), func(p *profile.Person) *string { return &p.Name }),
	newField("attributes", attributeMap, func(p *profile.Person) *map[string]string { return &p.Attributes }),
	upstreamToken(),
}

// newField is a field of that kind, which is at that place of a person.
func newField[T any](name string, k kind[T], place func(*profile.Person) *T) *field {
	return &field{name: name, wants: k.wants, admits: k.admits, fill: func(p *profile.Person, v ref.Val, expr string) (any, error) {
		value, err := k.read(v, expr)
		if err != nil {
			return nil, err
		}
		*place(p) = value
		return value, nil
	}}
}

// upstreamToken is what an app gave for itself when somebody signed in to it.
// Only an app's own login answers with one: no other source may put a
// credential into what is sent to that app.
func upstreamToken() *field {
	f := newField("upstream_token", text(maxToken), func(p *profile.Person) *string {
		kept := new(profile.Kept)
		if p.Kept != nil {
			*kept = *p.Kept
		}
		p.Kept = kept
		return &kept.UpstreamToken
	})
	f.needs = "login"
	fill := f.fill
	f.fill = func(p *profile.Person, v ref.Val, expr string) (any, error) {
		_, err := fill(p, v, expr)
		return notShown, err
	}
	return f
}

// Fields are the names of the fields that a Rule may fill.
func Fields() []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func fieldNamed(name string) (*field, error) {
	i := slices.IndexFunc(fields, func(f *field) bool { return f.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no field %q to map%s: there are %s", name, meant(name, Fields()), strings.Join(Fields(), ", "))
	}
	return fields[i], nil
}

// isRegistry reports whether the expression leaves the ID to the store.
func (f *field) isRegistry(expr string) bool {
	return f.name == "id" && strings.TrimSpace(expr) == registry
}
