package monitoring_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rules are what is read of rules.yaml.
type rules struct {
	Groups []struct {
		Rules []alert
	}
}

type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var read rules
	readYAML(t, "rules.yaml", &read)
	if len(read.Groups) != 1 || len(read.Groups[0].Rules) == 0 {
		t.Fatalf("there are %d groups", len(read.Groups))
	}
	return read.Groups[0].Rules
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// panel is what is read of one of the dashboard's.
type panel struct {
	Type, Title, Description string
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct{ Expr, LegendFormat string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	var read struct {
		Title      string
		Panels     []panel
		Templating struct{ List []struct{ Name, Type string } }
	}
	text, err := os.ReadFile("dashboard.json")
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err != nil || read.Title == "" || len(read.Templating.List) == 0 || read.Templating.List[0].Type != "datasource" {
		t.Fatalf("no dashboard with a title that asks for its data source: %v", err)
	}
	return read.Panels
}

// promtool is Prometheus' own judgement.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v (Debian has it in the package prometheus)\n%s", strings.Join(args, " "), err, out)
	}
}

func TestTheRulesAreGoodForPrometheus(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "rules.yaml")
}

func TestAlertsFireWhenTheyShouldAndNotOtherwise(t *testing.T) {
	t.Parallel()
	promtool(t, "test", "rules", "rules_test.yaml", "rules_days_test.yaml")
	type tests struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	var read, days tests
	readYAML(t, "rules_test.yaml", &read)
	readYAML(t, "rules_days_test.yaml", &days)
	fires, silent := make(map[string]bool), make(map[string]bool)
	for _, test := range append(read.Tests, days.Tests...) {
		for _, of := range test.AlertRuleTest {
			if len(of.ExpAlerts) > 0 {
				fires[of.Alertname] = true
			} else {
				silent[of.Alertname] = true
			}
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] || !silent[a.Alert] {
			t.Errorf("%s: shown to fire %v, shown not to %v", a.Alert, fires[a.Alert], silent[a.Alert])
		}
	}
}

// An alert at night says what is seen, what to do next, and where that is written.
func TestAlertsSayWhatToDo(t *testing.T) {
	t.Parallel()
	operations, err := os.ReadFile("../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(operations), "\n")
	for _, a := range alerts(t) {
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
			t.Errorf("%s: severity is %q", a.Alert, a.Labels["severity"])
		}
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
			t.Errorf("%s: says too little: %v", a.Alert, a.Annotations)
		}
		if want := "OPERATIONS.md#" + strings.ToLower(a.Alert); a.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q; want %q", a.Alert, a.Annotations["runbook_url"], want)
		}
		if !slices.Contains(lines, "### "+a.Alert) {
			t.Errorf("%s: has no paragraph `### %s` in deploy/OPERATIONS.md", a.Alert, a.Alert)
		}
	}
}

func TestPanelsSayWhatTheyShow(t *testing.T) {
	t.Parallel()
	for _, p := range panels(t) {
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q has no description, no unit or nothing to show", p.Title)
		}
	}
}

// asked is a query as Grafana sends it.
var asked = strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*")

// Prometheus reads the dashboard's queries as rules: it has no other place for them.
func TestTheQueriesOfTheDashboardAreGoodForPrometheus(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for i, p := range panels(t) {
		for j, target := range p.Targets {
			fmt.Fprintf(&text, "      - record: panel_%d_%d\n        expr: %q\n", i, j, asked.Replace(target.Expr))
		}
	}
	name := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", name)
}
