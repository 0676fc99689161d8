package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope names us to whoever reads traces.
const scope = "example.com/sidegate"

// How a question ended: the values of the attribute sidegate.result.
const (
	OK     = "ok"     // with an answer
	None   = "none"   // with the answer that there is none
	Failed = "failed" // without any
)

// Span is one question, while it is asked. The zero value is none, and records
// nothing.
type Span struct{ span trace.Span }

// Recorded reports whether the request of that context is traced, and recorded.
// Who asks it first, and makes the attributes of Start only then, allocates
// nothing for all others.
func Recorded(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Start begins a span below the one of the context, and returns the context to ask
// in. It is for contexts that are Recorded, and begins none below others.
func Start(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, Span) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := above.TracerProvider().Tracer(scope).Start(ctx, name,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return ctx, Span{span}
}

// Ask is Start for a question to a source: a directory, a login or a provider, by
// its name, at that host.
func Ask(ctx context.Context, kind, name, host string, attributes ...attribute.KeyValue) (context.Context, Span) {
	of := []attribute.KeyValue{attribute.String("sidegate.source", name), attribute.String("server.address", host)}
	return Start(ctx, kind, append(of, attributes...)...)
}

// Answered is End for such a question: with the status of the answer, or 0 where
// none came.
func (s Span) Answered(status int, err error) {
	result := OK
	if err != nil {
		result = Failed
	}
	if status == 0 {
		s.End(result)
		return
	}
	s.End(result, attribute.Int("http.response.status_code", status))
}

// End ends the span. A failure shows as one, without its error, which may have a
// name or an address in it: those are in the log.
func (s Span) End(result string, attributes ...attribute.KeyValue) {
	if s.span == nil {
		return
	}
	s.span.SetAttributes(append(attributes, attribute.String("sidegate.result", result))...)
	if result == Failed {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// Below has what is asked in ctx, which is not the request's, shown below the
// span of the request that it is asked for, and takes nothing else of it: neither
// its end nor its deadline nor its values.
func Below(ctx, request context.Context) context.Context {
	span := trace.SpanFromContext(request)
	if !span.IsRecording() {
		return ctx
	}
	return trace.ContextWithSpan(ctx, span)
}
