package adminapi_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// An end that no replica has confirmed leaves nothing to be found, and a failover would
// bring the session back: to ask again is no success until a replica has it.
func TestAnEndThatNoReplicaHasConfirmedIsNoSuccessWhenItIsAskedForAgain(t *testing.T) {
	primary := redistest.Start(t)
	replica := redistest.Start(t, redistest.Args("--replicaof", "127.0.0.1", primary.Addr()[len("127.0.0.1:"):]))
	follows := func() bool {
		return strings.Contains(primary.Client().Info(t.Context(), "replication").Val(), "state=online")
	}
	gatewaytest.Await(t, "the replica follows", follows)
	s, o := start(t, gatewaytest.Site{Options: "store redis " + primary.URL() + " {\n\twait 1 50ms\n}\nsecret a-secret-that-is-long-enough-for-tests"})
	laptop, phone, tablet := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada)
	grace := s.WithCookie(t, gatewaytest.Grace)
	phoneID, graceID := gatewaytest.IDOf(t, phone), gatewaytest.IDOf(t, grace)
	replica.Kill()
	for _, c := range []struct {
		name, method, path string
		by                 *gatewaytest.Client // nil: the operator
		says               string
	}{
		{"one device", http.MethodDelete, "/auth/sessions/" + phoneID, laptop, "could not be confirmed"},
		{"all others", http.MethodDelete, "/auth/sessions", laptop, "could not be confirmed"},
		{"one's own", http.MethodPost, "/auth/logout", laptop, "you may still be signed in"},
		{"one session", http.MethodDelete, "/sidegate/sessions/" + graceID, nil, "0 of 1 replicas"},
		{"one that is the person's", http.MethodDelete, "/sidegate/sessions/" + phoneID + "?user=1", nil, "0 of 1 replicas"},
		{"a person's", http.MethodDelete, "/sidegate/sessions?user=1", nil, "0 of 1 replicas"},
		{"everybody's", http.MethodDelete, "/sidegate/sessions?all=true", nil, "0 of 1 replicas"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				var a gatewaytest.Answer
				if c.by != nil {
					a = c.by.In(t).Do(c.method, c.path, "")
				} else {
					a = o.in(t).do(c.method, c.path)
				}
				if a.Want(t, http.StatusServiceUnavailable); !strings.Contains(a.Body, c.says) {
					t.Errorf("it does not say %q: %s", c.says, a.Body)
				}
			}
		})
	}
	s.WantDead(t, tablet.Cookie, "")
	replica.Restart()
	gatewaytest.Await(t, "the replica follows again", follows)
	for path, status := range map[string]int{"?user=1": http.StatusOK, "?all=true": http.StatusOK, "/" + graceID: http.StatusNotFound} {
		gatewaytest.Await(t, "the end of "+path+" is confirmed", func() bool { return o.do(http.MethodDelete, "/sidegate/sessions"+path).StatusCode == status })
	}
}

// Whoever asks again is to find none: not for each person or page.
func TestAnEndThatNoReplicaConfirmsEndsEverybodyAtOnce(t *testing.T) {
	primary := redistest.Start(t)
	s, o := start(t, gatewaytest.Site{Options: "store redis " + primary.URL() + " {\n\twait 1 50ms\n}\nsecret a-secret-that-is-long-enough-for-tests"})
	for _, path := range []string{"?all=true", "?email=" + gatewaytest.Ada, "?login=users"} {
		ada, other := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada)
		grace := s.WithCookie(t, gatewaytest.Grace)
		gone := []*gatewaytest.Client{ada, other, grace}
		if strings.HasPrefix(path, "?email") {
			gone = gone[:2]
		}
		a := o.in(t).do(http.MethodDelete, "/sidegate/sessions"+path)
		if a.Want(t, http.StatusServiceUnavailable); !strings.Contains(a.Body, "0 of 1 replicas") || !strings.Contains(a.Body, fmt.Sprintf("; %d sessions have ended", len(gone))) {
			t.Errorf("%s: %s", path, a.Body)
		}
		for _, c := range gone {
			s.WantDead(t, c.Cookie, "")
		}
		o.do(http.MethodDelete, "/sidegate/sessions?all=true")
	}
}

// A session that is listed is there: to end it is no end of nothing.
func TestASessionThatLivesByAnOutageIsEndedByItsName(t *testing.T) {
	srv := redistest.Start(t)
	s, o := start(t, gatewaytest.Site{Options: "store redis " + srv.URL() + "\nsecret a-secret-that-is-long-enough-for-tests\nidle_timeout 1h"})
	client := srv.Client()
	for _, path := range []string{"/{id}", "/{id}?user=1", "?user=1"} {
		id := gatewaytest.IDOf(t, s.WithCookie(t, gatewaytest.Ada))
		endIdle(t, client, 5*time.Minute)
		if a := o.do(http.MethodGet, "/sidegate/sessions?user=1"); !strings.Contains(a.Body, id) {
			t.Fatalf("it is not on the list: %d %s", a.StatusCode, a.Body)
		}
		a := o.in(t).do(http.MethodDelete, "/sidegate/sessions"+strings.ReplaceAll(path, "{id}", id))
		if a.Want(t, http.StatusOK); a.Body != "{\"ended\":1}\n" {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}

// endIdle has all sessions of the server end idle that long ago, while the server was
// away.
func endIdle(t *testing.T, client *goredis.Client, ago time.Duration) {
	t.Helper()
	commands := client.Pipeline()
	for _, key := range client.Keys(t.Context(), "*:s:*").Val() {
		commands.PExpire(t.Context(), key, sessionstore.Grace-ago)
	}
	for _, index := range client.Keys(t.Context(), "*:u:*").Val() {
		for _, z := range client.ZRangeWithScores(t.Context(), index, 0, -1).Val() {
			commands.ZIncrBy(t.Context(), index, -float64((time.Hour + ago).Milliseconds()), z.Member.(string))
		}
	}
	last := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-4*ago).UnixMilli()))
	for _, pulse := range client.Keys(t.Context(), "*:b").Val() {
		commands.Set(t.Context(), pulse, last, time.Hour)
	}
	if _, err := commands.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A server that is no primary any more may know nothing of whom it is asked for.
func TestOfAServerThatWasReplacedNobodyIsToldThatThereAreNone(t *testing.T) {
	srv := redistest.Start(t)
	_, o := start(t, gatewaytest.Site{Options: "store redis " + srv.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	gatewaytest.Await(t, "the store answers", func() bool { return o.do(http.MethodGet, "/sidegate/ready").StatusCode == http.StatusOK })
	if err := srv.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []string{
		"GET ?user=1", "GET ?email=ada@example.com", "GET ?login=users", "GET ?all=true", "GET /AAAAAAAAAAAAAAAA", "GET /AAAAAAAAAAAAAAAA?user=1",
		"DELETE ?user=1", "DELETE ?all=true", "DELETE /AAAAAAAAAAAAAAAA", "DELETE /AAAAAAAAAAAAAAAA?user=1",
	} {
		method, path, _ := strings.Cut(asked, " ")
		if a := o.do(method, "/sidegate/sessions"+path); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s is answered with %d %s", asked, a.StatusCode, a.Body)
		}
	}
}
