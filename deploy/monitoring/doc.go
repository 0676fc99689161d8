// Package monitoring is deploy/monitoring: a dashboard for Grafana, alerts for
// Prometheus, and tests that hold both to the metrics that there are.
//
// dashboard.json is imported in Grafana and asks for its data source there;
// rules.yaml is named under rule_files of Prometheus. rules_test.yaml shows when
// each alert fires, rules_days_test.yaml those that take days. What to do then is
// in deploy/OPERATIONS.md.
//
// There is no code of the gateway here.
package monitoring
