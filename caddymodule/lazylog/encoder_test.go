package lazylog_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"

	"example.com/sidegate/caddymodule/lazylog"
)

// request is what a logger holds; it counts how often it was written down.
type request struct {
	method  string
	written int
}

func (r *request) MarshalLogObject(to zapcore.ObjectEncoder) error {
	r.written++
	to.AddString("method", r.method)
	return nil
}

// lazy is the encoder of those lines of a Caddyfile.
func lazy(t *testing.T, lines string) *lazylog.Encoder {
	t.Helper()
	e, err := parse("lazy " + lines)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := e.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

// plain is Caddy's own.
func plain(t *testing.T) zapcore.Encoder {
	t.Helper()
	e := new(logging.JSONEncoder)
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := e.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

func parse(text string) (*lazylog.Encoder, error) {
	e := new(lazylog.Encoder)
	return e, e.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
}

// logger logs from level info on, as Caddy does by default.
func logger(e zapcore.Encoder) (*zap.Logger, *zaptest.Buffer) {
	to := new(zaptest.Buffer)
	return zap.New(zapcore.NewCore(e, to, zapcore.InfoLevel)), to
}

func TestWhatIsNotLoggedIsNotWrittenDown(t *testing.T) {
	log, to := logger(lazy(t, ""))
	r := &request{method: "GET"}
	of := log.With(zap.String("upstream", "app"), zap.Object("request", r))
	of.Debug("upstream roundtrip")
	if r.written != 0 || to.Len() != 0 {
		t.Errorf("written down %d times: %s", r.written, to)
	}
	of.Warn("one")
	of.Warn("two")
	if r.written != 2 || strings.Count(to.String(), `"request":{"method":"GET"}`) != 2 {
		t.Errorf("written down %d times: %s", r.written, to)
	}
}

func TestLinesSayWhatTheySayWithoutIt(t *testing.T) {
	for name, line := range map[string]func(*zap.Logger){
		"nothing held":               func(l *zap.Logger) { l.Info("m", zap.Int("n", 1)) },
		"an object":                  func(l *zap.Logger) { l.With(zap.Object("o", &request{method: "A"})).Info("m", zap.Int("n", 1)) },
		"an object of the line":      func(l *zap.Logger) { l.Info("m", zap.Object("o", &request{method: "A"})) },
		"objects of several loggers": func(l *zap.Logger) { l.With(zap.Object("o", &request{})).With(zap.Object("p", &request{})).Info("m") },
		"in a namespace": func(l *zap.Logger) {
			l.With(zap.Namespace("s"), zap.Object("o", &request{})).Info("m", zap.Int("n", 1))
		},
		"before a namespace": func(l *zap.Logger) {
			l.With(zap.Object("o", &request{}), zap.Namespace("s"), zap.Int("n", 1)).Info("m")
		},
		"a namespace of a later logger": func(l *zap.Logger) {
			l.With(zap.Object("o", &request{})).With(zap.Namespace("s")).Info("m", zap.Int("n", 1))
		},
		"an object of a logger within it": func(l *zap.Logger) { l.With(zap.Namespace("s")).With(zap.Object("o", &request{})).Info("m") },
		"a namespace of the line": func(l *zap.Logger) {
			l.With(zap.Object("o", &request{})).Info("m", zap.Namespace("s"), zap.Object("p", &request{}))
		},
		"an object in the logger's own fields": func(l *zap.Logger) {
			l.With(zap.Inline(&request{method: "A"}), zap.Dict("d", zap.Int("n", 1))).Info("m")
		},
		"one of every kind": func(l *zap.Logger) {
			text := []byte("text")
			l = l.With(zap.Bool("bool", true), zap.Complex128("c128", 1i), zap.Complex64("c64", 2i), zap.Duration("duration", time.Minute),
				zap.Float64("f64", 1.5), zap.Float32("f32", 2.5), zap.Int("int", -1), zap.Int64("i64", -2), zap.Int32("i32", -3), zap.Int16("i16", -4),
				zap.Int8("i8", -5), zap.String("string", "s"), zap.Time("time", time.Unix(1, 0)), zap.Uint("uint", 1), zap.Uint64("u64", 2),
				zap.Uint32("u32", 3), zap.Uint16("u16", 4), zap.Uint8("u8", 5), zap.Uintptr("ptr", 6), zap.Binary("binary", text),
				zap.ByteString("bytes", text), zap.Strings("list", []string{"a", "b"}), zap.Reflect("value", map[string]int{"a": 1}), zap.Any("nil", nil))
			copy(text, "over") // whose bytes they are
			l.Info("m")
		},
		"a name, an error, a list": func(l *zap.Logger) {
			l.Named("x").With(zap.Strings("s", []string{"a"}), zap.Duration("d", time.Second)).Error("m", zap.Error(strings.NewReader("").UnreadByte()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var said [2]map[string]any
			for i, e := range []zapcore.Encoder{plain(t), lazy(t, "{\nwrap json\n}")} {
				log, to := logger(e)
				line(log)
				if err := json.Unmarshal(to.Bytes(), &said[i]); err != nil {
					t.Fatalf("%v: %s", err, to)
				}
				delete(said[i], "ts")
			}
			if !maps.EqualFunc(said[0], said[1], func(a, b any) bool { return encode(t, a) == encode(t, b) }) {
				t.Errorf("without: %v\nwith:    %v", said[0], said[1])
			}
		})
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLoggersOfOneDoNotMix: what one logger holds is none of what another holds
// that was made of the same.
func TestLoggersOfOneDoNotMix(t *testing.T) {
	log, to := logger(lazy(t, ""))
	base := log.With(zap.Object("a", &request{}), zap.Object("b", &request{}), zap.Object("c", &request{}))
	one, other := base.With(zap.Object("one", &request{})), base.With(zap.Object("other", &request{}))
	one.Info("first")
	other.Info("second")
	base.Info("third")
	lines := to.Lines()
	for i, want := range []string{`"one":`, `"other":`, ""} {
		for _, field := range []string{`"one":`, `"other":`} {
			if strings.Contains(lines[i], field) != (field == want) {
				t.Errorf("line %d: %s", i, lines[i])
			}
		}
	}
}

// TestAFilterStaysOne: what a filter takes out of a request is a person's secret.
func TestAFilterStaysOne(t *testing.T) {
	log, to := logger(lazy(t, "{\nwrap filter {\nrequest>method delete\n}\n}"))
	log.With(zap.Object("request", &request{method: "SECRET"})).Warn("m", zap.Object("request", &request{method: "SECRET"}))
	if strings.Contains(to.String(), "SECRET") || !strings.Contains(to.String(), `"request":{}`) {
		t.Errorf("%s", to)
	}
}

func TestWithoutAFormatItIsCaddysOwn(t *testing.T) {
	e := lazy(t, "")
	// The tests have no terminal.
	if err := e.ConfigureDefaultFormat(caddy.StderrWriter{}); err != nil {
		t.Error(err)
	}
	log, to := logger(e)
	log.Info("m")
	if !strings.HasPrefix(to.String(), `{"level":"info",`) {
		t.Errorf("%s", to)
	}
}

func TestMistakesInTheFormat(t *testing.T) {
	for text, want := range map[string]string{
		"lazy json":                          "wrap json",
		"lazy {\nwrapped json\n}":            "there is wrap",
		"lazy {\nwrap\n}":                    "argument",
		"lazy {\nwrap json\nwrap console\n}": "twice",
		"lazy {\nwrap nothing\n}":            "there are append, console, filter, ",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestItIsNotTakenInsideOfAnotherFormat: that one would write down a request of
// which nothing is left, and no filter would say so.
func TestItIsNotTakenInsideOfAnotherFormat(t *testing.T) {
	for _, outer := range []string{"filter", "append", "lazy"} {
		text := "{\nadmin off\nlog {\nformat " + outer + " {\nwrap lazy\n}\n}\n}\n"
		config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		var cfg caddy.Config
		if err := json.Unmarshal(config, &cfg); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&cfg); err == nil || !strings.Contains(err.Error(), "format lazy { wrap filter { ... } }") {
			t.Errorf("%s: %v", outer, err)
		}
	}
}
