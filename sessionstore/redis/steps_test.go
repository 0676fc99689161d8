package redis_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// wrong is a way to reach a real server that does not work.
type wrong struct {
	name string
	at   func(t *testing.T) redis.Config
	want []string
}

// plainTo is the URL of a server, without what it says of TLS and users.
func plainTo(srv *redistest.Server) string { return "redis://" + srv.Addr() }

var wrongs = []wrong{
	{"TLS to a server that does not speak it", func(t *testing.T) redis.Config {
		// All of it is waited for: nothing comes.
		return redis.Config{URL: "rediss://" + redistest.Start(t).Addr(), DialTimeout: time.Second, ReadTimeout: patience}
	}, []string{"seems not to speak TLS there", "redis://"}},
	{"TLS to what is no Redis", func(t *testing.T) redis.Config {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
				_, _ = conn.Write([]byte("-ERR Protocol error\r\n"))
			}
		}()
		return redis.Config{URL: "rediss://" + l.Addr().String()}
	}, []string{"first record does not look like a TLS handshake", "seems not to speak TLS there"}},
	{"no TLS to a server that speaks nothing else", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(redistest.Start(t, redistest.TLS()))}
	}, []string{"whether it speaks TLS there", "rediss://"}},
	{"a certificate of an authority that is not trusted", func(t *testing.T) redis.Config {
		return redis.Config{URL: redistest.Start(t, redistest.TLS()).URL()}
	}, []string{"CN=test authority", "`ca <pem file>` in the block `tls`"}},
	{"a certificate made out to others", func(t *testing.T) redis.Config {
		srv := redistest.Start(t, redistest.TLS())
		return redis.Config{URL: srv.URL(), TLS: tlsOf(t, srv, "mallory.example.com")}
	}, []string{"redis.example.com, 127.0.0.1", "server_name"}},
	{"a certificate made out to others, of an authority that is not trusted", func(t *testing.T) redis.Config {
		return redis.Config{URL: redistest.Start(t, redistest.TLS()).URL(), TLS: &tls.Config{ServerName: "mallory.example.com"}}
	}, []string{"CN=test authority", "`ca <pem file>`", "redis.example.com, 127.0.0.1", "server_name"}},
	{"the same at every node of a cluster", func(t *testing.T) redis.Config {
		return redis.Config{URL: redistest.Start(t, redistest.TLS()).URL(), Cluster: true, TLS: &tls.Config{ServerName: "mallory.example.com"}}
	}, []string{"CN=test authority", "`ca <pem file>`", "redis.example.com, 127.0.0.1", "server_name"}},
	{"the same at the sentinels", func(t *testing.T) redis.Config {
		return redis.Config{URL: redistest.Start(t, redistest.TLS()).URL(), Sentinel: "sessions", TLS: &tls.Config{ServerName: "mallory.example.com"}}
	}, []string{"CN=test authority", "`ca <pem file>`", "redis.example.com, 127.0.0.1", "server_name"}},
	{"a certificate that is over, of an authority that is not trusted", func(t *testing.T) redis.Config {
		return redis.Config{URL: redistest.Start(t, redistest.TLS()).URL(), TLS: &tls.Config{Time: func() time.Time { return time.Now().AddDate(20, 0, 0) }}}
	}, []string{"is good from", "CN=test authority"}},
	{"a plain Redis for a sentinel", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(redistest.Start(t)), Sentinel: "sessions"}
	}, []string{"a plain redis and no sentinel", "port 26379", "leave `sentinel` out"}},
	{"a plain Redis for a sentinel, with a wrong password", func(t *testing.T) redis.Config {
		return redis.Config{URL: "redis://:wrong@" + redistest.Start(t, redistest.Password("right")).Addr(), Sentinel: "sessions"}
	}, []string{"password of the sentinels", "port 26379"}},
	{"a certificate that is over", func(t *testing.T) redis.Config {
		srv := redistest.Start(t, redistest.TLS())
		config := tlsOf(t, srv, "")
		config.Time = func() time.Time { return time.Now().AddDate(20, 0, 0) }
		return redis.Config{URL: srv.URL(), TLS: config}
	}, []string{"is good from", "renew it"}},
	{"a server that asks for a certificate", func(t *testing.T) redis.Config {
		srv := redistest.Start(t, redistest.TLS())
		config := tlsOf(t, srv, "")
		config.Certificates = nil
		return redis.Config{URL: srv.URL(), TLS: config}
	}, []string{"`cert <file>` and `key <file>` in the block `tls`"}},
	{"a wrong password", func(t *testing.T) redis.Config {
		return redis.Config{URL: "redis://:wrong@" + redistest.Start(t, redistest.Password("right")).Addr()}
	}, []string{"WRONGPASS", "password of the store", "port 26379", "`sentinel <master>`"}},
	{"no password", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(redistest.Start(t, redistest.Password("right")))}
	}, []string{"NOAUTH", "password of the store"}},
	{"a database that is not there", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(redistest.Start(t)) + "/99"}
	}, []string{"DB index is out of range", "lower the one at the end of the URL"}},
	{"a database of a node of a cluster", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(redistest.Start(t, redistest.Cluster())) + "/1"}
	}, []string{"database 0 only", "`cluster`"}},
	{"a server that is no node of a cluster", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(redistest.Start(t)), Cluster: true}
	}, []string{"cluster support disabled", "leave `cluster` out"}},
	{"a node of a cluster", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(withoutSlots(t))}
	}, []string{"CLUSTERDOWN", "add `cluster` to the store", "slots of the cluster are not assigned", "redis-cli --cluster check"}},
	{"a cluster that serves no slots", func(t *testing.T) redis.Config {
		return redis.Config{URL: plainTo(withoutSlots(t)), Cluster: true}
	}, []string{"slots of the cluster are not assigned", "redis-cli --cluster check"}},
	{"a web server", func(t *testing.T) redis.Config {
		web := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(web.Close)
		return redis.Config{URL: "redis://" + web.Listener.Addr().String()}
	}, []string{"this is no redis: check host and port"}},
	{"a socket that is not there", func(t *testing.T) redis.Config {
		return redis.Config{URL: "unix://" + t.TempDir() + "/redis.sock"}
	}, []string{"no such socket"}},
}

// withoutSlots is a node of a cluster whose slots nobody has.
func withoutSlots(t *testing.T) *redistest.Server {
	srv := redistest.Start(t, redistest.Cluster())
	must(t, srv.Client().Do(t.Context(), "cluster", "flushslots").Err())
	return srv
}

func TestWhatIsWrongWithTheWayToAServerHasANextStep(t *testing.T) {
	for _, w := range wrongs {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			cfg := w.at(t)
			err := ping(t, redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience}))
			cannotTell(t, err)
			wantSteps(t, err, w.want)
		})
	}
}

func wantSteps(t *testing.T, err error, want []string) {
	t.Helper()
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), ".:") || strings.Contains(err.Error(), "<key_prefix>") {
		t.Errorf("the error %q has two stops, or a word that stands for another", err)
	}
	if strings.Contains(err.Error(), "right") {
		t.Errorf("the error %q holds a password", err)
	}
}

func TestARefusalOfTheSentinelsIsNotTheServers(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	g.LockSentinels("right")
	cfg := redis.Config{URL: g.URL(), Sentinel: redistest.PrimaryName}
	err := ping(t, redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience}))
	cannotTell(t, err)
	wantSteps(t, err, []string{"password of the sentinels"})
}

func TestANameThatTheSentinelsDoNotWatchIsToldAsSuch(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	err := ping(t, redis.New(open(t, redis.Config{URL: g.URL(), Sentinel: "another"}), sealer(t, "a secret"), redis.Options{Timeout: patience}))
	cannotTell(t, err)
	wantSteps(t, err, []string{"watch no primary of that name", "SENTINEL MASTERS"})
	host, _, _ := strings.Cut(strings.TrimPrefix(g.URL(), "redis://"), ",")
	err = ping(t, redis.New(open(t, redis.Config{URL: "redis://" + host}), sealer(t, "a secret"), redis.Options{Timeout: patience}))
	cannotTell(t, err)
	wantSteps(t, err, []string{"whether it is a sentinel", "`sentinel <master>`"})
}

// Whoever copies the remedy must not have to know the prefix.
func TestTheRemedyForAnACLHasThePrefixOfTheStore(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.ACLUser("sidegate", "right", "~other:*", "&other:*", "+@all"))
	for prefix, want := range map[string]string{"": "~sidegate:* &sidegate:* ", "shop:": "~shop:* &shop:* "} {
		err := ping(t, redis.New(open(t, redis.Config{URL: srv.URL()}), sealer(t, "a secret"), redis.Options{KeyPrefix: prefix, Timeout: patience}))
		cannotTell(t, err)
		wantSteps(t, err, []string{"ACL SETUSER", want})
	}
}

func TestACommandThatIsRefusedInsideOfAScriptHasANextStep(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.ACLUser("sidegate", "right", "~sidegate:*", "&sidegate:*", "+@all", "-set", "-zadd"))
	st := store(t, srv.URL())
	err := calls()["Create"](t.Context(), st, nil)
	cannotTell(t, err)
	wantSteps(t, err, []string{"a script of the store was refused a command", "ACL SETUSER"})
}
