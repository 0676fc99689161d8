package caddymodule_test

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// metricsPrefix begins the name of every metric of ours.
const metricsPrefix = "caddy_sidegate_"

// scraped are the samples of a scrape, and the types of their families.
type scraped struct {
	samples map[string]float64 // by name and labels, as they are written
	types   map[string]string
	help    map[string]string
}

// scrape reads our metrics at Caddy's admin endpoint.
func (p *process) scrape() scraped {
	p.t.Helper()
	admin := &client{t: p.t, server: &server{url: "http://" + p.site.admin}}
	return readMetrics(p.t, admin.get("/metrics").want(p.t, http.StatusOK).body)
}

func readMetrics(t testing.TB, text string) scraped {
	t.Helper()
	s := scraped{make(map[string]float64), make(map[string]string), make(map[string]string)}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, "# TYPE "), "# HELP "), " ")
		switch {
		case !strings.HasPrefix(name, metricsPrefix):
		case strings.HasPrefix(line, "# TYPE "):
			s.types[name] = rest
		case strings.HasPrefix(line, "# HELP "):
			s.help[name] = rest
		default:
			at := strings.LastIndexByte(line, ' ')
			value, err := strconv.ParseFloat(line[at+1:], 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			s.samples[strings.TrimPrefix(line[:at], metricsPrefix)] = value
		}
	}
	return s
}

// counted are the increases of our counters, those of 0 left out.
func (s scraped) counted(since scraped) map[string]float64 {
	increases := make(map[string]float64)
	for sample, value := range s.samples {
		family, _, _ := strings.Cut(sample, "{")
		if s.types[metricsPrefix+family] == "counter" && value != since.samples[sample] {
			increases[sample] = value - since.samples[sample]
		}
	}
	return increases
}

// awaitSample waits until a sample has that value.
func (p *process) awaitSample(sample string, want float64) {
	p.t.Helper()
	await(p.t, sample+" is "+strconv.FormatFloat(want, 'g', -1, 64), func() bool {
		got, ok := p.scrape().samples[sample]
		return ok && got == want
	})
}

// labels reads the labels of a sample.
func labels(sample string) map[string]string {
	_, list, _ := strings.Cut(strings.TrimSuffix(sample, "}"), "{")
	pairs := make(map[string]string)
	for pair := range strings.SplitSeq(list, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			pairs[name] = strings.Trim(value, `"`)
		}
	}
	return pairs
}
