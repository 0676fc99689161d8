package gatewaytest

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.com/sidegate/caddymodule/metrics"
	"example.com/sidegate/sessionstore/nearcache"
)

// MetricsPrefix begins the name of every metric of ours.
const MetricsPrefix = "caddy_sidegate_"

// Metrics are the samples of a scrape, and the types of their families.
type Metrics struct {
	Samples map[string]float64 // by name and labels, as they are written
	Types   map[string]string  // by family, with the prefix
	Help    map[string]string
}

// Scrape reads our metrics at Caddy's admin endpoint.
func (p *Process) Scrape() Metrics {
	p.t.Helper()
	return readMetrics(p.t, p.admin().Get("/metrics").Want(p.t, http.StatusOK).Body)
}

// EveryMetric is what a gateway tells that has all that there may be to tell.
func EveryMetric(t testing.TB) Metrics {
	t.Helper()
	counted, registry := metrics.New(), prometheus.NewRegistry()
	counted.Expect("users")
	err := metrics.Register(registry, counted, func() metrics.Reading {
		return metrics.Reading{Set: counted, Reports: true, Gateway: &metrics.Gateway{Sessions: new(int64), Near: new(nearcache.Stats)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	told := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(told, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return readMetrics(t, told.Body.String())
}

func readMetrics(t testing.TB, text string) Metrics {
	t.Helper()
	s := Metrics{make(map[string]float64), make(map[string]string), make(map[string]string)}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, "# TYPE "), "# HELP "), " ")
		switch {
		case !strings.HasPrefix(name, MetricsPrefix):
		case strings.HasPrefix(line, "# TYPE "):
			s.Types[name] = rest
		case strings.HasPrefix(line, "# HELP "):
			s.Help[name] = rest
		default:
			at := strings.LastIndexByte(line, ' ')
			value, err := strconv.ParseFloat(line[at+1:], 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			s.Samples[strings.TrimPrefix(line[:at], MetricsPrefix)] = value
		}
	}
	return s
}

// Families are the types of all families, by their names with those of their
// labels in order: "caddy_sidegate_sign_ins_total{login, result}".
func (s Metrics) Families() map[string]string {
	labels := make(map[string][]string)
	for sample := range s.Samples {
		family, _, _ := strings.Cut(sample, "{")
		if histogram, ok := strings.CutSuffix(family, "_count"); ok && s.Types[MetricsPrefix+histogram] == "histogram" {
			family = histogram
		}
		labels[family] = slices.Sorted(maps.Keys(Labels(sample)))
	}
	families := make(map[string]string)
	for family, kind := range s.Types {
		if names := labels[strings.TrimPrefix(family, MetricsPrefix)]; len(names) > 0 {
			family += "{" + strings.Join(names, ", ") + "}"
		}
		families[family] = kind
	}
	return families
}

// Counted are the increases of our counters, those of 0 left out.
func (s Metrics) Counted(since Metrics) map[string]float64 {
	increases := make(map[string]float64)
	for sample, value := range s.Samples {
		family, _, _ := strings.Cut(sample, "{")
		if s.Types[MetricsPrefix+family] == "counter" && value != since.Samples[sample] {
			increases[sample] = value - since.Samples[sample]
		}
	}
	return increases
}

// AwaitSample waits until a sample has that value.
func (p *Process) AwaitSample(sample string, want float64) {
	p.t.Helper()
	Await(p.t, sample+" is "+strconv.FormatFloat(want, 'g', -1, 64), func() bool {
		got, ok := p.Scrape().Samples[sample]
		return ok && got == want
	}, func() string { return fmt.Sprint(p.Scrape().Samples) })
}

// Labels reads the labels of a sample.
func Labels(sample string) map[string]string {
	_, list, _ := strings.Cut(strings.TrimSuffix(sample, "}"), "{")
	pairs := make(map[string]string)
	for pair := range strings.SplitSeq(list, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			pairs[name] = strings.Trim(value, `"`)
		}
	}
	return pairs
}

// Lookups is the sample of what the near cache was asked, with that result.
func Lookups(result string) string { return `near_cache_lookups_total{result="` + result + `"}` }

// AwaitListening waits until the gateway hears of sign-outs. What it missed
// before is the first gap.
func (p *Process) AwaitListening(t testing.TB) {
	t.Helper()
	Await(t, "the gateway listens", func() bool { return p.Scrape().Samples["near_cache_gaps_total"] > 0 })
}
