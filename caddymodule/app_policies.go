package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
)

// PolicyOptions say what other proxies are answered, and whether anybody is refused
// yet.
type PolicyOptions struct {
	// Policies are what GET /auth/verify/{name} decides by. The one that is called
	// default is that of GET /auth/verify, which lets pass whoever has a session
	// unless it is declared here.
	Policies []Policy `json:"policies,omitempty"`

	// ReportOnly has all demands evaluated, and what they would have refused counted
	// and logged; the requests pass.
	ReportOnly bool `json:"report_only,omitempty"`

	reports        bool // something is only reported
	answersProxies bool // there are policies of the operator's own
}

// Policy is what is demanded of requests that another proxy asks about, and what it
// is told of who makes them.
type Policy struct {
	// Name is the last segment of its address: lower-case letters, digits, - and _.
	Name string `json:"name"`

	demand.Demands
	HeaderOptions

	// Redirect answers a person who is not signed in 303 to the login page, where the
	// proxy hands that on to them. Default: 401, unless the question has ?redirect.
	Redirect bool `json:"redirect,omitempty"`

	line     directive.Position // in a Caddyfile
	identity injector
}

// mostPolicies bounds how many there are.
const mostPolicies = 256

var policyName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func (o *PolicyOptions) words() map[string]directive.Option {
	return map[string]directive.Option{"policy": o.parsePolicy, "report_only": directive.Flag(&o.ReportOnly)}
}

// provision makes the policies ready.
func (o *PolicyOptions) provision(_ caddy.Context, a *App) error {
	o.reports, o.answersProxies = o.ReportOnly, len(o.Policies) > 0
	if o.ReportOnly {
		a.warnOfReports("all demands", directive.Position{})
	}
	if len(o.Policies) > mostPolicies {
		return fmt.Errorf("there are %d policies, and %d at most: one takes many a `path`", len(o.Policies), mostPolicies)
	}
	if !slices.ContainsFunc(o.Policies, func(p Policy) bool { return p.Name == endpoint.DefaultPolicy }) {
		o.Policies = append(o.Policies, Policy{Name: endpoint.DefaultPolicy})
	}
	for i := range o.Policies {
		if err := o.checkName(i); err != nil {
			return err
		}
		p := &o.Policies[i]
		at := directive.Recall(p)
		if err := p.provision(a, at); err != nil {
			return at.Wrap(fmt.Errorf("policy %s: %w", p.Name, err))
		}
	}
	return nil
}

func (p *Policy) provision(a *App, at directive.Position) (err error) {
	if err := a.prepare(&p.Demands, "policy "+p.Name, at); err != nil {
		return err
	}
	if err := a.known.checkAll(&p.Demands, &p.HeaderOptions); err != nil {
		return err
	}
	p.identity, err = newInjector(&p.HeaderOptions, a)
	return err
}

// placed is something with the line where it stands, if that is known.
func placed(what string, at directive.Position) string {
	if at == (directive.Position{}) {
		return what
	}
	return what + " (" + at.String() + ")"
}

// prepare makes ready what is demanded. What the whole app only reports, this does
// too.
func (a *App) prepare(d *demand.Demands, of string, at directive.Position) error {
	if d.Reports() && !a.ReportOnly {
		a.warnOfReports(of, at)
	}
	d.ReportOnly = d.ReportOnly || a.ReportOnly
	a.reports = a.reports || d.Reports()
	a.known.warnOfDemands(d, a.logger)
	return d.Prepare(placed(of, at))
}

func (o *PolicyOptions) checkName(i int) error {
	name := o.Policies[i].Name
	if !policyName.MatchString(name) {
		return fmt.Errorf("policy %q: a name has lower-case letters, digits, - and _ , and is a segment of an address", name)
	}
	if slices.ContainsFunc(o.Policies[:i], func(p Policy) bool { return p.Name == name }) {
		return fmt.Errorf("policy %s is given twice: join the two blocks", name)
	}
	return nil
}

// parsePolicy reads a policy. Syntax:
//
//	policy <name> {
//		optional
//		public <path>...
//		role <role>...
//		permission <permission>...
//		account_admin
//		path <pattern>... {
//			...
//		}
//		report_only
//		preflight pass
//		headers <preset>...|none
//		header_roles <role>...
//		user_header id|email|username
//		header <Name> <value>
//		assertion [host|<audience>]
//		redirect
//	}
func (o *PolicyOptions) parsePolicy(d *caddyfile.Dispenser) error {
	var p Policy
	if !d.Args(&p.Name) || d.NextArg() {
		return directive.Err(d, "wrong argument count or unexpected line ending after 'policy': it takes a name, and a block")
	}
	p.line = directive.Here(d)
	words := map[string]directive.Option{"redirect": directive.Flag(&p.Redirect)}
	maps.Copy(words, p.Demands.Words(p.line))
	maps.Copy(words, p.HeaderOptions.words())
	if err := directive.Block(d, "policy", words); err != nil {
		return err
	}
	directive.Remember(p, p.line)
	o.Policies = append(o.Policies, p)
	return p.line.Wrap(errors.Join(o.checkName(len(o.Policies)-1), p.HeaderOptions.checkWritten(), p.Demands.CheckWritten()))
}

// checkPolicies looks for slips in what policies demand, once all roles are read.
func (a *App) checkPolicies(known *knownNames) error {
	for i := range a.Policies {
		p := &a.Policies[i]
		if err := known.checkAll(&p.Demands, &p.HeaderOptions); err != nil {
			return err
		}
	}
	return nil
}

// policies are what the routes are given of them.
func (a *App) policies(g *gateway) map[string]endpoint.Policy {
	policies := make(map[string]endpoint.Policy, len(a.Policies))
	for i := range a.Policies {
		p := &a.Policies[i]
		policies[p.Name] = endpoint.Policy{Demands: &p.Demands, Redirect: p.Redirect, Names: p.identity.names(),
			Tell: func(h http.Header, r *http.Request, c *caller.Caller) error { return p.tell(g, h, r, c) }}
	}
	return policies
}

// tell writes into h who the caller is.
func (p *Policy) tell(g *gateway, h http.Header, r *http.Request, c *caller.Caller) error {
	if len(p.identity.custom) > 0 {
		c.Publish(r) // for their placeholders
	}
	return p.identity.inject(h, g.assertions, r, c, caller.Remember(r).Room())
}

// reportEvery is how often the log says that something is only reported.
const reportEvery = time.Hour

// warnOfReports tells of demands that refuse nobody.
func (a *App) warnOfReports(of string, at directive.Position) {
	a.logger.Warn("demands are only reported (report_only): what they would refuse passes", zap.String("of", of), atLine(at))
}

// warnOfUntold tells of policies by which nobody can be answered on a server: they decide
// by path, and it believes no proxy what was asked for.
func (a *App) warnOfUntold(server *caddyhttp.Server) {
	if caller.Trusting(server) {
		return
	}
	var policies []string
	for i := range a.Policies {
		if a.Policies[i].ByPath() || a.Policies[i].ByMethod() {
			policies = append(policies, a.Policies[i].Name)
		}
	}
	if len(policies) > 0 {
		a.logger.Warn("policies decide by path, and nobody tells the path: this server has no trusted_proxies, so each question by them is refused",
			zap.Strings("policies", policies), zap.Strings("listen", server.Listen),
			zap.String("remedy", "name the proxies that ask, in the global options: `trusted_proxies static <address>` in the block `servers`"))
	}
}

// watchReports says now and then what would have been refused, as long as something
// is only reported: nobody is to take that for protection.
func (g *gateway) watchReports(ctx context.Context) {
	every(ctx, reportEvery, func() {
		g.events.onlyReported("demands are still only reported (report_only): what they would refuse has passed")
	})
}

// onlyReported tells of that with the counts so far.
func (h *events) onlyReported(message string) {
	var fields []zap.Field
	for i, n := range h.metrics.Reported.All() {
		fields = append(fields, zap.Int64("would_"+demand.Answers[i], n))
	}
	h.logger.Warn(message, fields...)
}
