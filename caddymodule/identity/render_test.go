package identity_test

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"example.com/sidegate/caddymodule/identity"
)

func names(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = prefix + strconv.Itoa(1000+i)
	}
	return list
}

func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		name      string
		presets   []string
		change    func(*identity.Values)
		truncated string
		gone      []string
		kept      []string
	}{
		{"what fits is sent whole", nil, func(*identity.Values) {}, "", nil,
			[]string{"X-Session-Permissions", "X-Session-Roles", "X-Session-Accounts"}},
		{"a header of exactly 4096 bytes is sent", nil,
			func(v *identity.Values) { v.Roles = []string{strings.Repeat("r", 4096)} }, "", nil, []string{"X-Session-Roles"}},
		{"a header of 4097 bytes is left out by itself", nil,
			func(v *identity.Values) { v.Roles = []string{strings.Repeat("r", 4097)} }, "Roles",
			[]string{"X-Session-Roles"}, []string{"X-Session-Permissions"}},
		{"the encoded length counts", nil,
			func(v *identity.Values) { v.Roles = []string{strings.Repeat("ë", 700)} }, "Roles",
			[]string{"X-Session-Roles"}, nil},
		{"too much in all leaves out permissions first", nil,
			func(v *identity.Values) { v.Permissions, v.Roles = names("permission", 240), names("role", 400) }, "Permissions",
			[]string{"X-Session-Permissions"}, []string{"X-Session-Roles"}},
		{"then roles", nil,
			func(v *identity.Values) { v.Accounts, v.Roles = names("account", 300), names("role", 400) }, "Permissions,Roles",
			[]string{"X-Session-Permissions", "X-Session-Roles"}, []string{"X-Session-Accounts"}},
		{"then accounts", nil,
			func(v *identity.Values) { v.Accounts, v.AccountName = names("account", 300), strings.Repeat("n", 4000) },
			"Permissions,Roles,Accounts", []string{"X-Session-Accounts"}, []string{"X-Session-Account-Name"}},
		{"what the person has none of is not named", nil,
			func(v *identity.Values) {
				v.Permissions = nil
				v.Accounts, v.Roles = names("account", 300), names("role", 400)
			}, "Roles", []string{"X-Session-Roles"}, []string{"X-Session-Accounts"}},
		{"roles are left out of every preset, or sent in every one", []string{"native", "grafana", "kubernetes"},
			func(v *identity.Values) { v.Roles = append(names("role", 350), "Viewer") }, "Permissions,Roles",
			[]string{"X-Session-Roles", "X-Webauth-Groups", "X-Webauth-Role", "X-Remote-Group"}, []string{"X-Remote-User"}},
		{"repeated values count together", []string{"kubernetes"},
			func(v *identity.Values) { v.Roles = names("group", 500) }, "Roles",
			[]string{"X-Remote-Group"}, []string{"X-Remote-User"}},
		{"a single fact that is too long is left out and named", nil,
			func(v *identity.Values) { v.AccountName = strings.Repeat("n", 5000) }, "Account-Name",
			[]string{"X-Session-Account-Name"}, []string{"X-Session-Account-Id"}},
		{"an account without its id is administered by nobody", nil,
			func(v *identity.Values) { v.AccountID = strings.Repeat("a", 5000) }, "Account-Id",
			[]string{"X-Session-Account-Id", "X-Session-Account-Admin"}, []string{"X-Session-User-Id"}},
		{"even one long address in all presets ends within the budget",
			[]string{"native", "remote-user", "oauth2-proxy", "authentik", "grafana", "jenkins", "kubernetes"},
			func(v *identity.Values) { v.Email = strings.Repeat("e", 4000) },
			"Permissions,Roles,Accounts,Account-Name,Name,Id,Email", []string{"X-Session-Email"}, []string{"X-Session-User-Id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := ada()
			tt.change(&v)
			h := injected(t, v, tt.presets...)
			if got := h.Get(identity.Truncated); got != tt.truncated {
				t.Errorf("truncated %q, want %q", got, tt.truncated)
			}
			for _, n := range tt.gone {
				if h[n] != nil {
					t.Errorf("%s was sent", n)
				}
			}
			for _, n := range tt.kept {
				if h[n] == nil {
					t.Errorf("%s was left out", n)
				}
			}
			checkBudget(t, h)
		})
	}
}

func checkBudget(t *testing.T, h http.Header) {
	t.Helper()
	total := 0
	for name, values := range h {
		size := 0
		for _, v := range values {
			size += len(v)
			total += len(name) + len(v)
		}
		if size > identity.MaxValue {
			t.Errorf("%s takes %d bytes", name, size)
		}
	}
	if total > identity.MaxTotal {
		t.Errorf("%d bytes in all", total)
	}
}

func TestInject(t *testing.T) {
	rendered := newSet(t, "native", "kubernetes").Render(ada())
	for name, inject := range map[string]func(http.Header){
		"Inject":                      rendered.Inject,
		"InjectInto":                  func(h http.Header) { rendered.InjectInto(h, make([]string, 20)) },
		"InjectInto without the room": func(h http.Header) { rendered.InjectInto(h, make([]string, 3)) },
	} {
		t.Run(name+" replaces what is there by exactly one value", func(t *testing.T) {
			h := http.Header{"X-Session-Email": {"mallory@example.com", "eve@example.com"}, "Accept": {"*/*"}}
			inject(h)
			if got := h["X-Session-Email"]; !slices.Equal(got, []string{"ada@example.com"}) {
				t.Errorf("got %q", got)
			}
			if h.Get("Accept") != "*/*" || !slices.Equal(h["X-Remote-Group"], []string{"admin", "editor"}) {
				t.Errorf("got %v", h)
			}
		})
		t.Run(name+" leaves no room for a later handler to append into another request", func(t *testing.T) {
			first, second := http.Header{}, http.Header{}
			inject(first)
			inject(second)
			for n := range first {
				first.Add(n, "mallory")
				second.Add(n, "eve")
				if last := first[n][len(first[n])-1]; last != "mallory" {
					t.Errorf("%s became %q", n, last)
				}
			}
			third := http.Header{}
			inject(third)
			if len(third["X-Session-Email"]) != 1 || len(third["X-Remote-Group"]) != 2 {
				t.Errorf("the rendered headers changed: %v", third)
			}
		})
	}
	t.Run("both inject the same", func(t *testing.T) {
		shared, own := http.Header{}, http.Header{}
		rendered.Inject(shared)
		rendered.InjectInto(own, nil)
		if !reflect.DeepEqual(shared, own) {
			t.Errorf("%v\n%v", shared, own)
		}
	})
	t.Run("the zero value injects nothing", func(t *testing.T) {
		h := http.Header{}
		identity.Rendered{}.Inject(h)
		identity.Rendered{}.InjectInto(h, nil)
		if len(h) != 0 {
			t.Errorf("got %v", h)
		}
	})
}

// Caddy's request_header replaces text in place: one request's edit must not
// become the next one's identity.
func TestInjectIntoSurvivesWritesInPlace(t *testing.T) {
	rendered := newSet(t).Render(ada())
	for name, inject := range map[string]func(http.Header){
		"InjectInto without the room": func(h http.Header) { rendered.InjectInto(h, nil) },
		"InjectInto":                  func(h http.Header) { rendered.InjectInto(h, make([]string, 9)) },
	} {
		edited, next := http.Header{}, http.Header{}
		inject(edited)
		for _, values := range edited {
			values[0] = "mallory"
		}
		inject(next)
		if got := next.Get("X-Session-Email"); got != "ada@example.com" {
			t.Errorf("%s: the next request is of %q", name, got)
		}
	}
}

func TestSessionsShareWhatTheyHaveInCommon(t *testing.T) {
	set := newSet(t)
	with := func(email string) http.Header {
		v, h := ada(), http.Header{}
		v.Email, v.Permissions = email, names("permission", 20)
		set.Render(v).Inject(h)
		return h
	}
	first, second := with("ada@example.com"), with("grace@example.com")
	if a, b := first.Get("X-Session-Permissions"), second.Get("X-Session-Permissions"); a != b || unsafe.StringData(a) != unsafe.StringData(b) {
		t.Errorf("the same permissions are held twice: %q", a)
	}
	if first.Get("X-Session-Email") == second.Get("X-Session-Email") {
		t.Error("two people have one address")
	}
}

func TestConcurrentRequestsShareOneRendered(t *testing.T) {
	rendered := newSet(t, "native", "kubernetes").Render(ada())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				h := http.Header{}
				rendered.Inject(h)
				h.Add("X-Session-Roles", "mine")
				if c := h.Clone(); c.Get("X-Session-Roles") != "admin,editor" {
					t.Error("somebody else's roles")
				}
			}
		})
	}
	wg.Wait()
}

func TestRenderDoesNotKeepTheCallersLists(t *testing.T) {
	v := ada()
	rendered := newSet(t, "native", "kubernetes").Render(v)
	v.Roles[0] = "root"
	h := http.Header{}
	rendered.Inject(h)
	if strings.Contains(h.Get("X-Session-Roles"), "root") || h["X-Remote-Group"][0] == "root" {
		t.Error("the rendered roles changed with the caller's")
	}
}
