package caddymodule

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"example.com/sidegate/caddymodule/login/adopt"
)

// The next start refuses a date that has passed: whoever runs the gateway is told
// while it runs, for two weeks before, and then.
func TestThatNobodyIsAdoptedAnyMoreIsToldBeforeAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login, err := adopt.New(adopt.Config{Name: "old", URL: "https://sso.example.com/", Cookies: []string{"sid"}, Until: time.Now().Add(16 * 24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		core, logs := observer.New(zap.DebugLevel)
		a := &AdoptLogin{AdoptName: "old", Login: login, logger: zap.New(core)}
		stopped, stop := context.WithCancel(t.Context())
		go a.watch(t.Context(), nil)
		go a.watch(stopped, nil)
		stop()
		<-time.After(47 * time.Hour)
		synctest.Wait()
		if n := logs.Len(); n != 0 || login.EndsSoon() {
			t.Fatalf("it is told %d times early", n)
		}
		<-time.After(14 * 24 * time.Hour)
		synctest.Wait()
		told := logs.TakeAll()
		if len(told) != 14 || !login.EndsSoon() || login.Over() {
			t.Fatalf("it is told %d times before", len(told))
		}
		for _, line := range told {
			if said := line.ContextMap(); !strings.Contains(line.Message, "for a few days more") || said["login"] != "old" || said["until"] != login.Until().Format(time.RFC3339) {
				t.Errorf("the log says %v", line)
			}
		}
		<-time.After(50 * time.Hour)
		synctest.Wait()
		told = logs.TakeAll()
		if len(told) != 1 || !login.Over() || login.EndsSoon() || !strings.Contains(told[0].Message, "until has passed") || told[0].ContextMap()["login"] != "old" {
			t.Errorf("the log says %v", told)
		}
	})
}

func TestWhatMapDoesNotDoForPeopleOfAnotherLogin(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	a := &AdoptLogin{AdoptName: "old", logger: zap.New(core), Subject: "login.header.x"}
	for _, field := range []string{"email", "username", "name", "roles", "accounts"} {
		a.Map = append(a.Map, MapRule{Field: field, Expr: "login.header.x"})
	}
	asks := func(field, expr string) *OIDCLogin {
		return &OIDCLogin{MapConfig: MapConfig{Map: []MapRule{{Field: field, Expr: expr}}}}
	}
	for _, c := range []struct {
		name    string
		as      LoginModule
		require string
		want    string
	}{
		{"of a users file", new(UsersLogin), "", "username name roles accounts"},
		{"of an app", new(AppLogin), "", "username name roles accounts"},
		{"of a provider", new(OIDCLogin), "", "username roles accounts"},
		{"of a provider whose map has groups", asks("roles", "token.?groups.orValue([])"), "", "username accounts"},
		{"of a provider whose map has the username", asks("username", "token.preferred_username"), "", "roles accounts"},
		{"of a users file, where a demand is for a role", new(UsersLogin), "'staff' in identity.roles", "username name accounts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.Require = []RequireConfig{{Expr: c.require}}
			if _, err := a.becomes(c.as); err != nil {
				t.Fatal(err)
			}
			var fields []string
			for _, line := range logs.TakeAll() {
				fields = append(fields, fmt.Sprint(line.ContextMap()["field"]))
			}
			if got := strings.Join(fields, " "); got != c.want {
				t.Errorf("said to do nothing are %s; want %s", got, c.want)
			}
		})
	}
	a.As, a.Map, a.Subject = "sso", nil, ""
	if _, err := a.becomes(new(OIDCLogin)); err != nil {
		t.Fatal(err)
	}
	if told := logs.All(); len(told) != 1 || !strings.Contains(told[0].Message, "known by their email address") {
		t.Errorf("the log says %v", told)
	}
	if _, err := a.becomes(new(AdoptLogin)); err == nil {
		t.Error("people become those of a login that has none")
	}
}
