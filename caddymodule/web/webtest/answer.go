package webtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// repeatable are the documented headers that may come more than once: a cookie
// is no list, and Vary is one.
var repeatable = []string{"Set-Cookie", "Vary"}

func verifyHeaders(documented openapi3.Headers, got http.Header) error {
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		header, values := documented[name].Value, got.Values(name)
		if len(values) == 0 {
			if header.Required {
				return fmt.Errorf("header %s is missing", name)
			}
			continue
		}
		if len(values) > 1 && !slices.Contains(repeatable, name) {
			return fmt.Errorf("header %s comes %d times", name, len(values))
		}
		for _, value := range values {
			if err := verifyHeader(header.Schema.Value, value); err != nil {
				return fmt.Errorf("header %s: %w", name, err)
			}
		}
	}
	return nil
}

func verifyHeader(schema *openapi3.Schema, value string) error {
	if !schema.Type.Is(openapi3.TypeInteger) {
		return verifyValue(schema, value)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return errors.New("value is no integer")
	}
	return verifyValue(schema, float64(n))
}

func verifyContent(documented openapi3.Content, header http.Header, body []byte) error {
	if len(documented) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("body of %d bytes where none is documented", len(body))
		}
		return nil
	}
	mediaType, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type %q: %w", header.Get("Content-Type"), err)
	}
	content := documented[mediaType]
	if content == nil {
		return fmt.Errorf("content type %s is not documented", mediaType)
	}
	// Events are in UTF-8 whatever is said of them.
	if strings.HasPrefix(mediaType, "text/") && mediaType != "text/event-stream" && !strings.EqualFold(parameters["charset"], "utf-8") {
		return fmt.Errorf("content type %s without charset=utf-8", mediaType)
	}
	if len(body) == 0 {
		return errors.New("body is empty")
	}
	if !isJSON(mediaType) {
		return verifyValue(content.Schema.Value, string(body))
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("body is no JSON: %w", err)
	}
	return verifyValue(content.Schema.Value, value)
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

func verifyValue(schema *openapi3.Schema, value any) error {
	return schema.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.VisitAsResponse(),
		openapi3.WithStringFormatValidator("email", openapi3.NewCallbackValidator(verifyEmail)),
		openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(verifyTime)))
}

func verifyEmail(s string) error {
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s {
		return errors.New("value is no email address")
	}
	return nil
}

// verifyTime is stricter than the format: every time that the gateway tells is
// in UTC.
func verifyTime(s string) error {
	if _, err := time.Parse(time.RFC3339, s); err != nil || !strings.HasSuffix(s, "Z") {
		return errors.New("value is no RFC 3339 date-time in UTC")
	}
	return nil
}
