package monitoring_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// family is a metric that a gateway has: its labels, and the values that they have.
type family map[string][]string

// families are all of them, by what a query may call them.
func families(t *testing.T) map[string]family {
	t.Helper()
	told, found := gatewaytest.EveryMetric(t), make(map[string]family)
	for sample := range told.Samples {
		name, _, _ := strings.Cut(sample, "{")
		f := found[name]
		if f == nil {
			f = make(family)
			found[name] = f
		}
		for label, value := range gatewaytest.Labels(sample) {
			f[label] = append(f[label], value)
		}
	}
	return found
}

var (
	selectors = regexp.MustCompile(`(\b[a-z_]+)(?:\{([^}]*)\})`)
	ours      = regexp.MustCompile(`\bcaddy_sidegate_[a-z_]+`)
	matchers  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!=|!~|=)\s*"([^"]*)"`)
	grouped   = regexp.MustCompile(`\b(?:by|on|ignoring) \(([^)]*)\)`)
	shown     = regexp.MustCompile(`\{\{(?: \$labels\.)?([a-z_]+) ?\}\}`) // in an alert, or in a legend
)

// ofPrometheus are the labels that it puts there itself.
var ofPrometheus = []string{"job", "instance"}

// anybodys are labels whose values are an operator's to choose, or the binary's.
var anybodys = []string{"login", "version", "revision", "goversion", "le"}

// strange is what a query asks for that no gateway has, with what shows its labels.
func strange(known map[string]family, query string, labels ...string) (wrong []string) {
	has := slices.Clone(ofPrometheus)
	for _, name := range ours.FindAllString(query, -1) {
		f, ok := known[strings.TrimPrefix(name, gatewaytest.MetricsPrefix)]
		if !ok {
			wrong = append(wrong, name)
		}
		for label := range f {
			has = append(has, label)
		}
	}
	for _, selector := range selectors.FindAllStringSubmatch(query, -1) {
		f := known[strings.TrimPrefix(selector[1], gatewaytest.MetricsPrefix)]
		for _, m := range matchers.FindAllStringSubmatch(selector[2], -1) {
			if slices.Contains(ofPrometheus, m[1]) {
				continue
			}
			for value := range strings.SplitSeq(m[2], "|") {
				if values, ok := f[m[1]]; !ok || !slices.Contains(anybodys, m[1]) && !slices.Contains(values, value) {
					wrong = append(wrong, selector[1]+" "+m[1]+"="+value)
				}
			}
		}
	}
	for _, list := range grouped.FindAllStringSubmatch(query, -1) {
		labels = append(labels, strings.Split(list[1], ", ")...)
	}
	for _, label := range labels {
		if !slices.Contains(has, label) {
			wrong = append(wrong, "label "+label)
		}
	}
	return wrong
}

func labelsShown(text string) (labels []string) {
	for _, m := range shown.FindAllStringSubmatch(text, -1) {
		labels = append(labels, m[1])
	}
	return labels
}

func TestAlertsAskForMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	known := families(t)
	for _, a := range alerts(t) {
		if wrong := strange(known, a.Expr, labelsShown(a.Annotations["summary"]+a.Annotations["description"])...); len(wrong) > 0 {
			t.Errorf("%s: no gateway has %q", a.Alert, wrong)
		}
	}
}

func TestTheDashboardAsksForMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	known := families(t)
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			if wrong := strange(known, target.Expr, labelsShown(target.LegendFormat)...); len(wrong) > 0 {
				t.Errorf("%s: no gateway has %q", p.Title, wrong)
			}
		}
	}
}

// Each family is drawn, or alerted about: what nobody looks at need not be counted.
func TestEveryMetricIsLookedAt(t *testing.T) {
	t.Parallel()
	var queries strings.Builder
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			queries.WriteString(target.Expr + "\n")
		}
	}
	for name := range gatewaytest.EveryMetric(t).Types {
		if !strings.Contains(queries.String(), name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func TestAQueryForWhatNoGatewayHasIsFound(t *testing.T) {
	t.Parallel()
	known := families(t)
	for _, c := range []struct {
		name, query, shown, want string
	}{
		{"a metric", `rate(caddy_sidegate_sign_in_total[5m])`, "", "caddy_sidegate_sign_in_total"},
		{"a label", `caddy_sidegate_store_up{store="redis"}`, "", "caddy_sidegate_store_up store=redis"},
		{"a value", `caddy_sidegate_requests_total{decision=~"allowed|denied"}`, "", "caddy_sidegate_requests_total decision=denied"},
		{"a label to sum by", `sum by (job, host) (caddy_sidegate_open_streams)`, "", "label host"},
		{"a label that is shown", `caddy_sidegate_open_streams`, "{{login}}", "label login"},
		{"a count of what is no histogram", `caddy_sidegate_open_streams_count`, "", "caddy_sidegate_open_streams_count"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if wrong := strange(known, c.query, labelsShown(c.shown)...); !slices.Equal(wrong, []string{c.want}) {
				t.Errorf("found %q; want %q", wrong, c.want)
			}
		})
	}
}
