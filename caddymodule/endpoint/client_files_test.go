package endpoint_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestTheClientIsServed(t *testing.T) {
	for name, base := range map[string]string{"below /auth": "/auth", "below another base_path": "/-/gate"} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: "base_path " + base})
			for file, media := range map[string]string{
				"client.js":   "text/javascript; charset=utf-8",
				"client.d.ts": "application/typescript; charset=utf-8",
				"react.js":    "text/javascript; charset=utf-8",
				"react.d.ts":  "application/typescript; charset=utf-8",
			} {
				c := s.Client(t)
				a := c.Get(base+"/"+file).Want(t, http.StatusOK)
				for header, want := range map[string]string{
					"Content-Type": media, "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=300",
					"Cross-Origin-Resource-Policy": "same-origin", "Access-Control-Allow-Origin": "", "Set-Cookie": "",
				} {
					if got := a.Header.Get(header); got != want {
						t.Errorf("%s: %s is %q, want %q", file, header, got, want)
					}
				}
				etag := a.Header.Get("ETag")
				again := c.Get(base+"/"+file, "If-None-Match", etag).Want(t, http.StatusNotModified)
				if len(etag) < 10 || again.Header.Get("ETag") != etag || again.Body != "" {
					t.Errorf("%s: the tag is %q and then %q, with %d bytes", file, etag, again.Header.Get("ETag"), len(again.Body))
				}
				if before := c.Get(base+"/"+file, "If-None-Match", `"of an earlier release"`).Want(t, http.StatusOK); before.Body != a.Body {
					t.Errorf("%s is another one now", file)
				}
				c.Do("POST", base+"/"+file, "").Want(t, http.StatusMethodNotAllowed)
			}
			s.Client(t).Get(base+"/mock.js").Want(t, http.StatusNotFound)
			s.Client(t).Get(base+"/npm/client.js").Want(t, http.StatusNotFound)
			if head := s.Client(t).Do("HEAD", base+"/client.js", ""); !strings.HasPrefix(head.Header.Get("Content-Type"), "text/javascript") {
				t.Errorf("HEAD has %v", head.Header)
			}
		})
	}
}
