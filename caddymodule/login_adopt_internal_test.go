package caddymodule

import (
	"context"
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
	a := &AdoptLogin{AdoptName: "old", As: "users", logger: zap.New(core), MapConfig: MapConfig{Map: []MapRule{{Field: "email"}, {Field: "accounts"}}}}
	if _, err := a.becomes(new(UsersLogin)); err != nil {
		t.Fatal(err)
	}
	a.As, a.Map = "sso", nil
	if _, err := a.becomes(new(OIDCLogin)); err != nil {
		t.Fatal(err)
	}
	told := logs.All()
	if len(told) != 2 || !strings.Contains(told[0].Message, "`as` makes them that login's") || !strings.Contains(told[1].Message, "known by their email address") {
		t.Errorf("the log says %v", told)
	}
	if _, err := a.becomes(new(AdoptLogin)); err == nil {
		t.Error("people become those of a login that has none")
	}
}
