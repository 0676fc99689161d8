package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/caddymodule/audit"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
)

// encoders are those that an operator of Caddy may have chosen.
func encoders(t *testing.T) map[string]zapcore.Encoder {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	plain, console := new(logging.JSONEncoder), new(logging.ConsoleEncoder)
	filtered := &logging.FilterEncoder{
		WrappedRaw: json.RawMessage(`{"format":"console"}`),
		FieldsRaw:  caddy.ModuleMap{"client": json.RawMessage(`{"filter":"delete"}`)},
	}
	for _, m := range []caddy.Provisioner{plain, console, filtered} {
		if err := m.Provision(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]zapcore.Encoder{"json": plain, "console": console, "filter": filtered}
}

// made are texts that a client makes up to have a line of its own, to hide one, or to have
// it read as another.
var made = map[string]string{
	"a line feed":            "/x\n{\"logger\":\"sidegate.audit\",\"event\":\"sign_in\",\"result\":\"ok\"}",
	"a carriage return":      "/x\r2026/01/01 00:00:00.000\tINFO\tsidegate.audit\taudit",
	"a line separator":       "/x\u2028event\u2029",
	"a next line":            "/x\u0085event",
	"what turns a line":      "/\u202egpj.nimda\u2066\u200f",
	"what moves the cursor":  "/x\x1b[2K\x1b[1A",
	"a backspace and a zero": "/x\b\b\x00",
	"what is no text":        "/x\xff\xfe\xc0\x80",
	"what nobody sees":       "/x\u200b\ufeff\u00ad",
	"a quotation mark":       `/x","result":"ok","a":"`,
	"much":                   strings.Repeat("/\u202e", 10_000),
}

// A line is one line, and is what it was written as, whatever a client sends, in each of
// the encodings (CWE-117).
func TestNobodyForgesALine(t *testing.T) {
	for encoding, encoder := range encoders(t) {
		for name, text := range made {
			t.Run(encoding+": "+name, func(t *testing.T) {
				var out bytes.Buffer
				core := zapcore.NewCore(encoder, zapcore.AddSync(&out), zap.DebugLevel)
				l := audit.New(audit.Config{Logger: zap.New(core).Named("sidegate"), Digest: func() string { return "d" }, Now: time.Now})
				for _, kind := range []lifecycle.Kind{endpoint.Refused, demand.Forbidden, lifecycle.EndedByOperator, endpoint.AccountRefused} {
					out.Reset()
					l.Happened(lifecycle.Event{Kind: kind, Login: text, Method: text, Host: text, Path: text, Name: text, Result: text, Err: errors.New(text), Count: 1})
					wantOneLine(t, encoding, out.String())
				}
			})
		}
	}
}

func wantOneLine(t *testing.T, encoding, said string) {
	t.Helper()
	const level = "\x1b[34mINFO\x1b[0m" // which the console's encoder colours itself
	line, whole := strings.CutSuffix(strings.Replace(said, level, "INFO", 1), "\n")
	if !whole || !utf8.ValidString(line) || len(line) > 8<<10 {
		t.Fatalf("the log says %d bytes: %q", len(said), said)
	}
	for _, c := range line {
		if c != '\t' && !unicode.IsPrint(c) {
			t.Fatalf("%U is in the line %q", c, line)
		}
	}
	if encoding != "json" {
		_, line, _ = strings.Cut(line, "\taudit\t")
	}
	var told map[string]any
	d := json.NewDecoder(strings.NewReader(line))
	if err := d.Decode(&told); err != nil || d.More() {
		t.Fatalf("%v: %s", err, line)
	}
	if told["config"] != "d" || strings.Count(line, `"result":`) != 1 {
		t.Errorf("the line is %s", line)
	}
}
