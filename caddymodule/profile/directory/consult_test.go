package directory_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/directory"
	"example.com/sidegate/caddymodule/profile/mapping"
)

func TestConsultWithoutDirectories(t *testing.T) {
	facts := profile.Facts{"login": map[string]any{"status": int64(200)}}
	got, err := directory.Consult(t.Context(), nil, ada(), facts)
	if err != nil || got["login"] == nil || got["directory"] == nil {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, changed := facts["directory"]; changed {
		t.Fatal("the caller's facts have changed")
	}
}

func TestMappingsAreAppliedInOrder(t *testing.T) {
	list := []*directory.Directory{
		newDirectory(t, directory.Config{Name: "crm", URL: serve(t, answer(200, `{"name":"A. Lovelace","role":"editor"}`)),
			Mapping: mustMap(t, "roles", "identity.roles + [directory.crm.role]")}),
		newDirectory(t, directory.Config{Name: "hr", URL: serve(t, answer(200, `{"role":"staff"}`)),
			Mapping: mustMap(t, "roles", "identity.roles + [directory.hr.role, directory.crm.role + '2', login.body.role]")}),
		newDirectory(t, directory.Config{Name: "unmapped", URL: serve(t, answer(200, `{}`))}),
	}
	p := ada()
	p.Roles = []string{"viewer"}
	facts, err := directory.Consult(t.Context(), list, p, profile.Facts{"login": map[string]any{"body": map[string]any{"role": "guest"}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"viewer", "editor", "staff", "editor2", "guest"}; !slices.Equal(p.Roles, want) {
		t.Fatalf("roles are %v, want %v", p.Roles, want)
	}
	if answers, _ := facts["directory"].(map[string]any); len(answers) != 3 {
		t.Fatalf("facts are %v", facts)
	}
}

func TestAllAreAskedAboutWhomTheLoginKnows(t *testing.T) {
	first := newDirectory(t, directory.Config{Name: "crm", URL: serve(t, answer(200, `{"n":"Countess"}`)),
		Mapping: mustMap(t, "name", "directory.crm.n")})
	second := newDirectory(t, directory.Config{Name: "hr", URL: serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("n"); got != "Ada Lovelace" {
			t.Errorf("asked about %q", got)
		}
	}) + "/?n={identity.name}", Optional: true})
	p := ada()
	if _, err := directory.Consult(t.Context(), []*directory.Directory{first, second}, p, nil); err != nil || p.Name != "Countess" {
		t.Fatalf("got %q, %v", p.Name, err)
	}
}

func TestAMappingMayRefuse(t *testing.T) {
	d := newDirectory(t, directory.Config{URL: serve(t, answer(200, `{"active":false}`)),
		Mapping: mustMap(t, "", "", mapping.Demand{Expr: "directory.crm.active", Message: "Ask your administrator."})})
	_, err := consult(t, d)
	refused, ok := errors.AsType[*profile.Refused](err)
	if !ok || refused.Message != "Ask your administrator." {
		t.Fatalf("got %v", err)
	}
}

// What a demand would have been asked of is not there: that is no yes.
func TestADemandIsNotWaivedWhereTheDirectoryIsDown(t *testing.T) {
	d := newDirectory(t, directory.Config{URL: serve(t, answer(500, ``)), Optional: true,
		Mapping: mustMap(t, "", "", mapping.Demand{Expr: "directory.crm.?active.orValue(false)", Message: "no"})})
	if _, err := consult(t, d); err == nil {
		t.Fatal("let in")
	}
}

func TestAMappingThatFailsIsTrouble(t *testing.T) {
	d := newDirectory(t, directory.Config{URL: serve(t, answer(200, `{"nickname":"ada-private"}`)), Mapping: mustMap(t, "name", "directory.crm.name")})
	_, err := consult(t, d)
	if _, definite := errors.AsType[*profile.Refused](err); err == nil || definite || !strings.Contains(err.Error(), "directory crm: ") {
		t.Fatalf("got %v", err)
	}
}

// All are asked before one has answered: each waits for the others.
func TestDirectoriesAreAskedAtOnce(t *testing.T) {
	const n = 8
	var met sync.WaitGroup
	met.Add(n)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		met.Done()
		met.Wait()
		answer(200, `{}`)(w, r)
	})
	var list []*directory.Directory
	for i := range n {
		list = append(list, newDirectory(t, directory.Config{Name: string(rune('a' + i)), URL: url}))
	}
	if _, err := directory.Consult(t.Context(), list, ada(), nil); err != nil {
		t.Fatal(err)
	}
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestARefusalCallsTheOthersOff(t *testing.T) {
	var left atomic.Int32
	asked := make(chan struct{}, 2)
	slow := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		hang(w, r)
		left.Add(1)
	})
	reported := false
	list := []*directory.Directory{
		newDirectory(t, directory.Config{Name: "required", URL: slow, Timeout: time.Hour}),
		newDirectory(t, directory.Config{Name: "optional", URL: slow, Timeout: time.Hour, Optional: true, Report: func(string, error) { reported = true }}),
		newDirectory(t, directory.Config{Name: "hr", URL: serve(t, func(w http.ResponseWriter, _ *http.Request) {
			<-asked
			<-asked
			w.WriteHeader(http.StatusGone)
		})}),
	}
	_, err := directory.Consult(t.Context(), list, ada(), nil)
	refused, ok := errors.AsType[*profile.Refused](err)
	if !ok || refused.Why != "directory hr does not know the person" {
		t.Fatalf("got %v", err)
	}
	if reported {
		t.Fatal("a question that was called off is reported as trouble")
	}
	for left.Load() < 2 {
		tick()
	}
}

// Who is gone from one directory is signed out on refresh although another one
// is down: whichever is first in the list, and whichever answers first.
func TestARefusalGoesBeforeTrouble(t *testing.T) {
	gone := answer(404, "")
	for _, c := range []struct {
		name    string
		trouble http.HandlerFunc
	}{
		{"that fails", answer(500, "")},
		{"that lies", answer(200, `{"email":"grace@example.com"}`)},
	} {
		troubled := newDirectory(t, directory.Config{Name: "a", URL: serve(t, c.trouble)})
		refusing := newDirectory(t, directory.Config{Name: "b", URL: serve(t, gone)})
		for _, list := range [][]*directory.Directory{{troubled, refusing}, {refusing, troubled}} {
			t.Run("beside a directory "+c.name+", with "+list[0].Name()+" first", func(t *testing.T) {
				_, err := directory.Consult(t.Context(), list, ada(), nil)
				if _, ok := errors.AsType[*profile.Refused](err); !ok {
					t.Fatalf("got %v, want a refusal", err)
				}
			})
		}
	}
}

func TestTroubleIsThatOfTheFirstInTheList(t *testing.T) {
	list := []*directory.Directory{
		newDirectory(t, directory.Config{Name: "fine", URL: serve(t, answer(200, `{}`))}),
		newDirectory(t, directory.Config{Name: "one", URL: serve(t, answer(500, ``))}),
		newDirectory(t, directory.Config{Name: "two", URL: serve(t, answer(500, ``))}),
	}
	for range 5 {
		if _, err := directory.Consult(t.Context(), list, ada(), nil); err == nil || !strings.HasPrefix(err.Error(), "directory one: ") {
			t.Fatalf("got %v", err)
		}
	}
}

func TestACallerThatIsGoneLearnsNoEmptyAnswer(t *testing.T) {
	asked := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	d := newDirectory(t, directory.Config{Optional: true, URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		hang(w, r)
	}), Report: func(string, error) { t.Error("reported as the directory's trouble") }})
	go func() { <-asked; cancel() }()
	_, err := directory.Consult(ctx, []*directory.Directory{d}, ada(), nil)
	if _, definite := errors.AsType[*profile.Refused](err); !errors.Is(err, context.Canceled) || definite {
		t.Fatalf("got %v", err)
	}
}

func TestADirectoryThatIsClosedCanStillBeAsked(t *testing.T) {
	d := newDirectory(t, directory.Config{URL: serve(t, answer(200, `{}`))})
	for range 2 {
		if _, err := consult(t, d); err != nil {
			t.Fatal(err)
		}
		d.Close()
	}
}
