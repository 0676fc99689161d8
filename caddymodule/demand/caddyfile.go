package demand

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/pathrule"
)

// Words of the Caddyfile that errors and the log repeat.
const (
	wordRole         = "role"
	wordPermission   = "permission"
	wordAccountAdmin = "account_admin"
)

// Words are what is read in the block of who demands. At is where the block
// begins. Syntax:
//
//	optional
//	public <path>...
//	role <role>...
//	permission <permission>...
//	account_admin
//	path <pattern>... {
//		...
//	}
//	report_only
//	preflight pass
//
// Any of the names on a line of role or permission will do; several lines
// must all hold.
func (d *Demands) Words(at directive.Position) map[string]directive.Option {
	d.At = at
	return map[string]directive.Option{
		"optional":       directive.Placed(directive.Flag(&d.Optional), &d.Lines.Optional),
		"public":         directive.Placed(directive.Checked(directive.Texts(&d.Public), d.checkPublic), &d.Lines.Public),
		wordRole:         Roles(&d.Require),
		wordPermission:   Permissions(&d.Require),
		wordAccountAdmin: directive.Placed(directive.Flag(&d.AccountAdmin), &d.Lines.AccountAdmin),
		"path":           d.parsePath,
		"report_only":    directive.Flag(&d.ReportOnly),
		"preflight":      directive.Choice(&d.Preflight, preflightPass),
	}
}

// CheckWritten refuses what can be told to be a mistake when the block was read.
func (d *Demands) CheckWritten() error { return d.checkOptional() }

// Roles reads a line of role.
func Roles(target *[]Requirement) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		q := Requirement{At: directive.Here(d)}
		err := directive.Texts(&q.Roles)(d)
		*target = append(*target, q)
		return err
	}
}

// Permissions reads a line of permission.
func Permissions(target *[]Requirement) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		q := Requirement{At: directive.Here(d)}
		err := directive.Texts(&q.Permissions)(d)
		*target = append(*target, q)
		return err
	}
}

// parsePath reads a rule. Syntax:
//
//	path <pattern>... {
//		role <role>...
//		permission <permission>...
//		account_admin
//		public
//		optional
//		method [not] <method>...
//		report_only
//	}
func (d *Demands) parsePath(read *caddyfile.Dispenser) error {
	var p PathRule
	if err := directive.Texts(&p.Patterns)(read); err != nil {
		return err
	}
	if _, err := pathrule.New(pathrule.Session, []pathrule.Rule{{Patterns: p.Patterns}}); err != nil {
		return directive.Wrap(read, err)
	}
	p.At = directive.Here(read)
	err := directive.Block(read, "path", map[string]directive.Option{
		wordRole:         Roles(&p.Require),
		wordPermission:   Permissions(&p.Require),
		wordAccountAdmin: directive.Placed(directive.Flag(&p.AccountAdmin), &p.Lines.AccountAdmin),
		"public":         directive.Placed(directive.Flag(&p.Public), &p.Lines.Public),
		"optional":       directive.Placed(directive.Flag(&p.Optional), &p.Lines.Optional),
		"method":         p.parseMethod,
		"report_only":    directive.Flag(&p.ReportOnly),
	})
	if err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return p.At.Wrap(err)
	}
	d.Paths = append(d.Paths, p)
	return nil
}

// nearlyNot are slips of `not`, any of which would turn the rule round.
var nearlyNot = []string{"nt", "no", "ot", "ont", "tno", "nott", "noot", "nnot", "Not", "NOT", "!"}

// parseMethod reads `method GET HEAD`, or `method not GET HEAD`.
func (p *PathRule) parseMethod(d *caddyfile.Dispenser) error {
	if len(p.Methods) > 0 {
		return directive.Err(d, "method is given twice: name them all on one line")
	}
	if err := directive.Texts(&p.Methods)(d); err != nil {
		return err
	}
	if slices.Contains(nearlyNot, p.Methods[0]) {
		return directive.Errf(d, "'%s' is no method: did you mean `method not`?", p.Methods[0])
	}
	if p.Methods[0] == "not" {
		p.ExceptMethods, p.Methods = true, p.Methods[1:]
	}
	return nil
}
