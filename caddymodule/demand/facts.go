package demand

import (
	"net/url"
	"slices"
)

// ByMethod reports whether a rule depends on the method.
func (d *Demands) ByMethod() bool {
	return slices.ContainsFunc(d.Paths, func(p PathRule) bool { return len(p.Methods) > 0 })
}

// ByPath reports whether the path decides anything.
func (d *Demands) ByPath() bool { return len(d.Paths) > 0 || len(d.Public) > 0 }

// Reports reports whether anything of it is only reported.
func (d *Demands) Reports() bool {
	return d.ReportOnly || slices.ContainsFunc(d.Paths, func(p PathRule) bool { return p.ReportOnly })
}

// RefusesSomebody reports whether there is a request that would be refused. It
// holds for what is written, before Prepare.
func (d *Demands) RefusesSomebody() bool {
	return !d.Optional || len(d.Require) > 0 || d.AccountAdmin ||
		slices.ContainsFunc(d.Paths, func(p PathRule) bool { return !p.Public && !p.Optional })
}

// LeadsToLogin reports whether anybody without a session is refused, by what is
// enforced. It holds for what is written.
func (d *Demands) LeadsToLogin() bool {
	return !d.ReportOnly && (!d.Optional ||
		slices.ContainsFunc(d.Paths, func(p PathRule) bool { return !p.Public && !p.Optional && !p.ReportOnly }))
}

// MayOpen reports whether a path may pass without a session: where a rule by path
// opens any, or nothing is enforced, that is not looked at closer. What cannot be
// read may open all.
func (d *Demands) MayOpen() func(path string) bool {
	all := d.Optional || d.ReportOnly || d.checkPublic() != nil ||
		slices.ContainsFunc(d.Paths, func(p PathRule) bool { return p.Public || p.Optional })
	return func(path string) bool { return all || d.ready.public.Match(&url.URL{Path: path}) }
}

// CheckNames has everything that is demanded looked at by known, and says where what
// it finds stands.
func (d *Demands) CheckNames(known func(*Requirement) error) error {
	for i := range d.Require {
		if err := known(&d.Require[i]); err != nil {
			return d.At.Wrap(d.Require[i].At.Wrap(err))
		}
	}
	for i := range d.Paths {
		p := &d.Paths[i]
		for j := range p.Require {
			if err := known(&p.Require[j]); err != nil {
				return p.Require[j].At.Wrap(p.wrong(err.Error()))
			}
		}
	}
	return nil
}
