package adminapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// example is that of the reference in that language, which is the first below the heading.
func example(t *testing.T, heading, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### "+heading+"\n")
	_, code, _ := strings.Cut(section, "\n```"+language+"\n")
	code, _, found := strings.Cut(code, "\n```")
	if !found {
		t.Fatalf("there is no example of %s", heading)
	}
	return code
}

// certificate is one of an operator of that name.
func certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// The example of the reference, with a second operator who may end sessions: who that
// was is in the log, and cannot forge a line of it.
func TestOperatorsOfOtherMachinesAreKnownByTheirCertificates(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "store memory"})
	looks, ends := certificate(t, "who looks"), certificate(t, "ops\r\n{\"level\":\"forged\"}")
	port := gatewaytest.FreePort(t)
	var config, remote map[string]any
	if err := json.Unmarshal(gatewaytest.Adapt(t, p.Site.Caddyfile(p.Server)), &config); err != nil {
		t.Fatal(err)
	}
	written := strings.NewReplacer("<the client's certificate, base64 of DER>", base64.StdEncoding.EncodeToString(looks.Certificate[0]),
		"gateway.internal", "127.0.0.1", ":2021", fmt.Sprintf("127.0.0.1:%d", port)).Replace(example(t, "Other machines", "json"))
	if err := json.Unmarshal([]byte(written), &remote); err != nil {
		t.Fatal(err)
	}
	admin, given := config["admin"].(map[string]any), remote["admin"].(map[string]any)
	admin["identity"], admin["remote"] = given["identity"], given["remote"]
	access := given["remote"].(map[string]any)
	access["access_control"] = append(access["access_control"].([]any), map[string]any{"public_keys": []string{base64.StdEncoding.EncodeToString(ends.Certificate[0])}})
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.Dir, "remote.json")
	gatewaytest.WriteFile(t, file, string(text))
	p.Run(gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--config", file))
	c := p.WithCookie(t, gatewaytest.Ada)

	ask := func(by tls.Certificate, method, path string) (status int, said string, err error) {
		// The gateway's certificate is of an authority that this test does not know.
		transport := &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{by}, InsecureSkipVerify: true}}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("https://127.0.0.1:%d%s", port, path), nil)
		if err != nil {
			return 0, "", err
		}
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text), err
	}
	const sessions = "/sidegate/sessions?all=true"
	gatewaytest.Await(t, "the remote endpoint answers", func() bool {
		_, _, err := ask(looks, http.MethodGet, "/sidegate/live")
		return err == nil
	})
	for _, c := range []struct {
		by           tls.Certificate
		method, path string
		want         int
	}{
		{looks, http.MethodGet, sessions, 200}, {looks, http.MethodDelete, sessions, 403}, {looks, http.MethodGet, "/config/", 403},
		{ends, http.MethodDelete, sessions, 200},
	} {
		if status, said, err := ask(c.by, c.method, c.path); err != nil || status != c.want {
			t.Errorf("%s %s: %d %s %v; want %d", c.method, c.path, status, said, err, c.want)
		}
	}
	if _, _, err := ask(certificate(t, "nobody"), http.MethodGet, sessions); err == nil {
		t.Error("a certificate of nobody's is let in")
	}
	c.Get("/auth/session").Want(t, http.StatusUnauthorized)
	p.AwaitLog(`"msg":"sessions ended by an operator"`, `"by":"CN=ops`)
	for line := range strings.Lines(p.Log.String()) {
		if strings.HasPrefix(line, `{"level":"forged`) {
			t.Errorf("the log has a line of its own of %q", line)
		}
	}
}

// The example of the reference, with a socket of the test's.
func TestWhoComesByASocketIsNamedSoInTheLog(t *testing.T) {
	written := example(t, "A socket", "caddyfile")
	if !strings.Contains(written, "admin unix//run/caddy-admin.sock|0220") {
		t.Fatalf("the example is %s", written)
	}
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "store memory"})
	socket := filepath.Join(t.TempDir(), "admin.sock")
	p.Site.Admin = "unix/" + socket + "|0220"
	p.Start()
	p.WithCookie(t, gatewaytest.Ada)
	said, code := gatewaytest.RunCaddy(t, p.Dir, "sidegate-sessions", "revoke", "--user", "1", "--address", "unix/"+socket)
	if code != 0 || said != "1 session has ended.\n" {
		t.Errorf("%d: %s", code, said)
	}
	p.AwaitLog(`"msg":"sessions ended by an operator","by":"local unix socket","sessions":1,`, `"user_id":1,"login":"users","session":"`)
}
