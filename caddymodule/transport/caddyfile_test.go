package transport_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"example.com/sidegate/caddymodule/transport"
)

// said is what is said of a reverse_proxy with this transport.
func said(to, options string) error {
	block := ""
	if options != "" {
		block = " {\n" + options + "\n}"
	}
	text := "{\nadmin off\n}\n:80 {\nreverse_proxy " + to + " {\ntransport sidegate" + block + "\n}\n}\n"
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	var cfg caddy.Config
	if err := json.Unmarshal(config, &cfg); err != nil {
		return err
	}
	return caddy.Validate(&cfg)
}

func TestWhatOnlyTheOtherTransportDoesIsRefused(t *testing.T) {
	const other = "use `transport http`"
	for _, to := range []string{"h2c://127.0.0.1:1", "https://127.0.0.1:1", "unix+h2c//run/app.sock"} {
		if err := said(to, ""); err == nil || !strings.Contains(err.Error(), other) {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, option := range []string{
		"tls", "tls_insecure_skip_verify", "tls_server_name a.example", "tls_trust_pool file a.pem", "versions h2c", "versions 1.1",
		"network_proxy none", "forward_proxy_url http://a.example", "proxy_protocol v1", "compression off", "resolvers 1.1.1.1",
		"read_timeout 1s", "write_timeout 1s", "dial_fallback_delay 1s", "expect_continue_timeout 1s", "keepalive_interval 1s",
		"keepalive_idle_conns 1",
	} {
		err := said("127.0.0.1:1", "dial_timeout 1s\n"+option)
		if err == nil || !strings.Contains(err.Error(), other) || !strings.Contains(err.Error(), "Caddyfile:8") {
			t.Errorf("%s: %v", option, err)
		}
	}
}

func TestAWrongOptionIsRefused(t *testing.T) {
	for option, want := range map[string]string{
		"dial_timeout":                     "it has no value",
		"dial_timeout 1":                   "is not a duration",
		"dial_timeout 0":                   "must be more than 0",
		"dial_timeout 1s\ndial_timeout 2s": "given twice",
		"dial_timeout tls":                 "is not a duration",
		"keepalive on":                     "or the word off",
		"keepalive 0":                      "or the word off",
		"keepalive off\nkeepalive_idle_conns_per_host 5": "off keeps none",
		"keepalive off now":                          "keepalive takes the word off",
		"keepalive off\nkeepalive 1m":                "given twice",
		"keepalive 1m\nkeepalive off":                "given twice",
		"keepalive 1m\nkeepalive 1m":                 "given twice",
		"keepalive_idle_conns_per_host 0":            "is not a whole number from 1",
		"max_conns_per_host -1":                      "is not a whole number from 1",
		"max_conns_per_host 1\nmax_conns_per_host 2": "given twice",
		"max_response_header much":                   "is not a size such as 64KiB",
		"read_buffer 0":                              "is not a size such as 64KiB",
		"write_buffer 2GiB":                          "1GiB at most",
		"read_buffer 4KiB\nread_buffer 4KiB":         "given twice",
		"local_address 127.0.0.1:80-90":              "one address of this machine",
		"local_address eth0":                         "one address of this machine",
		"local_address udp/127.0.0.1:80":             "one address of this machine",
		"dail_timeout 1s":                            "did you mean `dial_timeout`?",
	} {
		if err := said("127.0.0.1:1", option); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", option, err)
		}
	}
}

func TestWhatIsRightIsTaken(t *testing.T) {
	for _, option := range []string{"", "keepalive off", "keepalive 10s", "local_address 127.0.0.1", "dial_timeout 1s\nread_buffer 8KiB\nwrite_buffer 8192"} {
		for _, to := range []string{"127.0.0.1:1", "http://127.0.0.1:1", "unix//run/app.sock", "127.0.0.1:1 127.0.0.2:1"} {
			if err := said(to, option); err != nil {
				t.Errorf("%s, %s: %v", to, option, err)
			}
		}
	}
}

func TestWhatJSONSaysIsLookedAtToo(t *testing.T) {
	for want, module := range map[string]*transport.Transport{
		"max_conns_per_host is below 0":                 {MaxConnsPerHost: -1},
		"dial_timeout is below 0":                       {DialTimeout: -1},
		"keep_alive.max_idle_conns_per_host is below 0": {KeepAlive: &transport.KeepAlive{MaxIdleConnsPerHost: -1}},
		"write_buffer_size is over":                     {WriteBufferSize: 2 << 30},
		"max_response_header_size is over":              {MaxResponseHeaderSize: 2 << 30},
	} {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		if err := module.Provision(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		cancel()
	}
}
