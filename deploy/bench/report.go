package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"text/tabwriter"
)

// printArms prints the figures of each arm.
func printArms(w io.Writer, list []*running, rs results) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "arm\trequests/s\tp50 us\tp99 us\tCPU us/request\tallocations\tresident MB\twhat")
	for _, run := range list {
		cell := func(of metric, unit float64, decimals int) string {
			return rs.spread(run.name, of).format(unit, decimals)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", run.name, cell(throughput, 1, 0), cell(p50, 1, 0), cell(p99, 1, 0),
			cell(cpu, 1, 1), cell(allocations, 1, 1), cell(memory, 1e6, 0), run.about)
	}
	return t.Flush() // writes kept their error for here
}

// printGoals prints the ratios and whether they are as they should be. A peer that
// is not there has its line where it was asked for.
func printGoals(w io.Writer, goals []goal, rs results, asked func(arm string) bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "what\tarm\tagainst\tratio\tgoal\tverdict")
	for _, g := range goals {
		if !g.belongs(rs) || g.against != "" && rs[g.against] == nil && !asked(g.against) {
			continue
		}
		measured := g.compare(rs)
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", g.what, g.arm, g.against, measured.interval(), g.bound(), g.verdict(measured))
	}
	return t.Flush()
}

// format is the median with the range of all values behind it; "-" when there is none.
func (s spread) format(unit float64, decimals int) string {
	return ranged(s.Median, s.Min, s.Max, unit, decimals)
}

// interval is the median with the interval of it behind it; "-" when there is none.
func (s spread) interval() string { return ranged(s.Median, s.Low, s.High, 1, 3) }

func ranged(middle, low, high, unit float64, decimals int) string {
	if math.IsNaN(middle) {
		return "-"
	}
	text := func(v float64) string { return strconv.FormatFloat(v/unit, 'f', decimals, 64) }
	if low == high {
		return text(middle)
	}
	return fmt.Sprintf("%s (%s..%s)", text(middle), text(low), text(high))
}

// csvHeader names the columns of writeCSV.
var csvHeader = []string{
	"arm", "round", "requests_per_second", "p50_microseconds", "p99_microseconds",
	"cpu_microseconds", "allocations", "resident_bytes",
}

// writeCSV writes every sample, for somebody else's statistics.
func writeCSV(w io.Writer, list []*running, rs results) error {
	c := csv.NewWriter(w)
	_ = c.Write(csvHeader) // kept for Error
	for _, run := range list {
		for i, s := range rs[run.name] {
			row := []string{run.name, strconv.Itoa(i + 1)}
			for _, v := range []float64{s.RequestsPerSecond, s.P50, s.P99, s.CPU, s.Allocations, s.Resident} {
				row = append(row, number(v))
			}
			_ = c.Write(row)
		}
	}
	c.Flush()
	return c.Error()
}

// number is empty for what could not be had.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// saveCSV writes the samples into the file that -csv names, if it does.
func (r *rig) saveCSV(list []*running, rs results) (err error) {
	if r.csv == "" {
		return nil
	}
	f, err := os.Create(r.csv) // #nosec G703 -- the file that was asked for
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	return writeCSV(f, list, rs)
}
