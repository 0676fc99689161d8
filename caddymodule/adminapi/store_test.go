package adminapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// fileRoutes are those of the store's file, each with the method that it is asked with.
var fileRoutes = map[string]string{"/sidegate/store/backup": "GET", "/sidegate/store/check": "GET", "/sidegate/store/compact": "POST"}

func TestWhatIsAskedWronglyOfTheFileIsAnsweredWithTheNextStep(t *testing.T) {
	s, o := start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Ada)
	file := filepath.Join(s.Dir, "sessions.db")
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for path, method := range fileRoutes {
		t.Run(path, func(t *testing.T) {
			o := o.in(t)
			for query, says := range map[string]string{
				"?to=/tmp/x": `no parameter "to"`, "?user=1": "it takes none", "?%zz": "percent-encode", "?" + strings.Repeat("a", 5000): "too long",
			} {
				o.wantFault(o.do(method, path+query), http.StatusBadRequest, says)
			}
			for _, wrong := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
				if wrong == method {
					continue
				}
				a := o.do(wrong, path)
				o.wantFault(a, http.StatusMethodNotAllowed, "asked with "+method)
				if allow := a.Header.Get("Allow"); !strings.HasPrefix(allow, method) {
					t.Errorf("%s: allowed is %q", wrong, allow)
				}
			}
			for _, below := range []string{"/", "/x", "/../../sessions.db"} {
				if a := o.do(method, path+below); a.StatusCode/100 == 2 {
					t.Errorf("%s: %d", path+below, a.StatusCode)
				}
			}
			o.wantFault(o.send(method, path, strings.NewReader(`{"path": "/etc"}`)), http.StatusBadRequest, "no body")
		})
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("another file is there, %v", err) // nothing of that has compacted it
	}
	c.In(t).Get("/auth/session").Want(t, http.StatusOK)
}

func TestAStoreThatIsNoFileIsNotCopied(t *testing.T) {
	_, o := start(t, gatewaytest.Site{Options: "store memory"})
	for path, method := range fileRoutes {
		o.wantFault(o.do(method, path), http.StatusConflict, "is no file (`store embedded`)", "BGSAVE", "redis-check-rdb")
	}
}

// A HEAD says that there would be a copy.
func TestAHeadOfTheFileIsAnsweredWithoutIt(t *testing.T) {
	s, o := start(t, gatewaytest.Site{})
	for path, method := range fileRoutes {
		if method != "GET" {
			continue
		}
		if a := o.do(http.MethodHead, path).Want(t, http.StatusOK); a.Body != "" {
			t.Errorf("HEAD %s is answered with %d bytes", path, len(a.Body))
		}
	}
	if beside, err := filepath.Glob(filepath.Join(s.Dir, "sessions.db.*")); err != nil || len(beside) > 0 {
		t.Errorf("there is left %v, %v", beside, err)
	}
}
