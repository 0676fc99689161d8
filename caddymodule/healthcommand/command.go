package healthcommand

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "sidegate-health",
		Usage: "<url>|<socket> [ready|config|keys]",
		Short: "Asks a gateway by its session_health whether the session store answers",
		Long: `
Asks the address of a session_health once, and exits with 0 when the session store
answers, else with 1 and the reason.

    caddy sidegate-health http://127.0.0.1:8081/healthz

Of the socket of an admin endpoint it asks /sidegate/ready, /sidegate/config or
/sidegate/keys, and prints the answer:

    caddy sidegate-health unix//run/sidegate/admin.sock config

It is for a HEALTHCHECK of an image that has neither a shell nor curl. Caddy answers
a host that is none of its sites with a blank 200, so the status alone is not taken
for an answer.`,
		CobraFunc: build,
	})
}

func build(cmd *cobra.Command) {
	timeout := cmd.Flags().Duration("timeout", 3*time.Second, "How long the answer is waited for")
	cmd.Args = cobra.RangeArgs(1, 2)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), *timeout)
		defer cancel()
		said, err := answer(ctx, args)
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			if err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return caddy.ExitCodeSuccess, err
		})(cmd, args)
	}
}

// answer asks what the arguments say.
func answer(ctx context.Context, args []string) (string, error) {
	what, err := question(args)
	if err != nil {
		return "", err
	}
	if isSocket(args[0]) {
		return askSocket(ctx, args[0], what)
	}
	return ask(ctx, args[0])
}

// most is more than any answer of a session_health has.
const most = 4096

// client follows nobody: a redirect is of something else than a session_health. It
// asks through no proxy either, which would be the one that answers.
var client = http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask returns what the gateway says when its store answers, else why it is not known to.
func ask(ctx context.Context, address string) (string, error) {
	// What is no address is not repeated: a password may stand anywhere in it.
	noAddress := errors.New("that is no address of a session_health: give one such as http://127.0.0.1:8081/healthz")
	at, err := url.Parse(address)
	if err != nil || (at.Scheme != "http" && at.Scheme != "https") || at.Host == "" {
		return "", noAddress
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", noAddress
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, advice(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return "", fmt.Errorf("the answer of %s did not come to its end: %w: %s", at.Redacted(), err, advice(err))
	}
	return judge(resp.StatusCode, body)
}

// advice is what to do about an error of asking.
func advice(err error) string {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return "its certificate is not trusted here, or is of another name: give session_health a site of its own without TLS, " +
			"such as http://:8081 with bind 127.0.0.1, and ask there; or have this machine trust the certificate's authority, or name it by SSL_CERT_FILE"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "no TLS is spoken there: ask by http://"
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long: see the gateway's log and whether the machine is busy, or give it longer by --timeout 10s; " +
			"another program may listen at that address"
	}
	return "is the gateway running, and its session_health at that address? Its log says why not"
}

// judge demands the answer of a session_health, and not only its status.
func judge(status int, body []byte) (string, error) {
	if status == http.StatusServiceUnavailable {
		return "", errors.New("503: the session store does not answer: the gateway's log says why, and what to do")
	}
	var says struct{ Store string }
	if status != http.StatusOK || json.Unmarshal(body, &says) != nil || says.Store != "answers" {
		return "", fmt.Errorf("%d, which is no answer of a session_health: give it a site of its own, for any host, such as "+
			"http://:8081 with bind 127.0.0.1, and ask at its path", status)
	}
	return "the session store answers", nil
}
