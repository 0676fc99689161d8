package tracing_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"example.com/sidegate/caddymodule/tracing"
)

// request is the context of one that is traced, with what ends its span, and where
// spans that have ended are.
func request(t *testing.T, sampler sdktrace.Sampler) (ctx context.Context, end func(), ended *tracetest.SpanRecorder) {
	t.Helper()
	ended = tracetest.NewSpanRecorder()
	ctx, span := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(ended), sdktrace.WithSampler(sampler)).Tracer("caddy").Start(t.Context(), "handler")
	return ctx, func() { span.End() }, ended
}

func TestAQuestionIsASpanBelowTheRequests(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		err    error
		want   []attribute.KeyValue
		code   codes.Code
	}{
		{"with an answer", 200, nil, []attribute.KeyValue{attribute.Int("http.response.status_code", 200), attribute.String("sidegate.result", "ok")}, codes.Unset},
		{"without any", 0, errors.New("ada@example.com is not there"), []attribute.KeyValue{attribute.String("sidegate.result", "failed")}, codes.Error},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, end, ended := request(t, sdktrace.AlwaysSample())
			_, span := tracing.Ask(ctx, "directory", "crm", "crm:8080")
			span.Answered(c.status, c.err)
			end()
			told := ended.Ended()
			if len(told) != 2 {
				t.Fatalf("%d spans; want 2", len(told))
			}
			asked, of := told[0], told[1]
			if asked.Parent().SpanID() != of.SpanContext().SpanID() || asked.Name() != "directory" {
				t.Errorf("%s is below %v; want %v", asked.Name(), asked.Parent(), of.SpanContext())
			}
			want := append([]attribute.KeyValue{attribute.String("sidegate.source", "crm"), attribute.String("server.address", "crm:8080")}, c.want...)
			if !slices.Equal(asked.Attributes(), want) {
				t.Errorf("attributes are %v; want %v", asked.Attributes(), want)
			}
			if s := asked.Status(); s.Code != c.code || s.Description != "" || len(asked.Events()) != 0 {
				t.Errorf("status %v, events %v: the text of an error may name somebody", s, asked.Events())
			}
		})
	}
}

func TestWhatIsNotRecordedHasNoSpan(t *testing.T) {
	unsampled, _, ended := request(t, sdktrace.NeverSample())
	over, end, _ := request(t, sdktrace.AlwaysSample())
	end()
	for name, ctx := range map[string]context.Context{"a request without a trace": t.Context(), "one that is not sampled": unsampled, "one that has been answered": over} {
		if tracing.Recorded(ctx) {
			t.Errorf("%s is taken for recorded", name)
		}
		same, span := tracing.Start(ctx, "directory")
		span.End(tracing.OK)
		if same != ctx || tracing.Below(ctx, ctx) != ctx {
			t.Errorf("%s has a context of its own", name)
		}
	}
	if n := len(ended.Ended()); n != 0 {
		t.Errorf("%d spans were recorded", n)
	}
}

// What several requests share is shown in the trace of one, and must not end with
// it, or hold on to what it carries.
func TestWhatIsSharedTakesTheTraceOfARequestAndNothingElse(t *testing.T) {
	type key struct{}
	ctx, end, ended := request(t, sdktrace.AlwaysSample())
	ctx, leave := context.WithCancel(context.WithValue(ctx, key{}, "the request"))
	shared := tracing.Below(context.Background(), ctx)
	leave()
	if shared.Err() != nil || shared.Value(key{}) != nil {
		t.Errorf("it ends with the request (%v), or has its values (%v)", shared.Err(), shared.Value(key{}))
	}
	_, span := tracing.Start(shared, "session store get")
	end()
	span.End(tracing.None)
	if told := ended.Ended(); len(told) != 2 || told[1].Parent().SpanID() != told[0].SpanContext().SpanID() {
		t.Errorf("it is not shown below the request: %v", told)
	}
}

func TestWithoutATraceNothingIsAllocated(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if tracing.Recorded(ctx) {
			t.Error("it is recorded")
		}
		_ = tracing.Below(ctx, ctx)
		var none tracing.Span
		none.End(tracing.OK)
		none.Answered(0, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
