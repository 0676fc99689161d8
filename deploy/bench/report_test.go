package main

import (
	"math"
	"strings"
	"testing"
)

func twoArms() ([]*running, results) {
	list := []*running{{arm: &arm{name: "proxy", about: "alone"}}, {arm: &arm{name: "gateway", about: "ours"}}}
	return list, results{
		"proxy": {
			{RequestsPerSecond: 9000, P50: 300, P99: 1500, CPU: 100, Allocations: 200, Resident: 60e6},
			{RequestsPerSecond: 8000, P50: 400, P99: 2500, CPU: 110, Allocations: 200, Resident: 70e6},
		},
		"gateway": {{RequestsPerSecond: 8500, P50: math.NaN(), P99: math.NaN(), CPU: 105, Allocations: 202.25, Resident: 61e6}},
	}
}

func TestArmsAsATable(t *testing.T) {
	list, rs := twoArms()
	var b strings.Builder
	if err := printArms(&b, list, rs); err != nil {
		t.Fatal(err)
	}
	const want = `arm      requests/s         p50 us          p99 us            CPU us/request        allocations  resident MB  what
proxy    8500 (8000..9000)  350 (300..400)  2000 (1500..2500)  105.0 (100.0..110.0)  200.0        65 (60..70)  alone
gateway  8500               -               -                  105.0                 202.2        61           ours
`
	if squeeze(b.String()) != squeeze(want) {
		t.Errorf("got\n%s", b.String())
	}
}

// squeeze looks past the width of columns.
func squeeze(table string) string {
	lines := strings.Split(table, "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n")
}

func TestGoalsAsATable(t *testing.T) {
	_, rs := twoArms()
	var b strings.Builder
	err := printGoals(&b, []goal{
		{what: "CPU", arm: "gateway", against: "proxy", of: cpu, atMost: 1.08},
		{what: "allocations", arm: "gateway", against: "proxy", of: allocations, atMost: 2, difference: true},
		{what: "speed", arm: "gateway", against: "proxy", of: throughput},
		{what: "CPU", arm: "gateway", against: armOpenIDC, of: cpu, atMost: 0.28},
		{what: "CPU", arm: "gateway", against: "left-out", of: cpu, atMost: 1},
		{what: "CPU", arm: "gateway", against: armOAuth2Proxy, of: cpu, atMost: 1},
	}, rs, func(arm string) bool { return arm != armOAuth2Proxy })
	if err != nil {
		t.Fatal(err)
	}
	const want = `what arm against ratio goal verdict
CPU gateway proxy 1.050 at most 1.08 toss
allocations gateway proxy 2.250 at most +2 toss
speed gateway proxy 0.944 -
CPU gateway mod_auth_openidc - at most 0.28 not measured
`
	if squeeze(b.String()) != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestSamplesAsCSV(t *testing.T) {
	list, rs := twoArms()
	var b strings.Builder
	if err := writeCSV(&b, list, rs); err != nil {
		t.Fatal(err)
	}
	const want = `arm,round,requests_per_second,p50_microseconds,p99_microseconds,cpu_microseconds,allocations,resident_bytes
proxy,1,9000,300,1500,100,200,60000000
proxy,2,8000,400,2500,110,200,70000000
gateway,1,8500,,,105,202.25,61000000
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}
