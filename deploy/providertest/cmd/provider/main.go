// Command provider runs the OpenID provider of the tests by hand, for trying a
// gateway out and for benchmarks. It asks for no password, so it listens on
// loopback only.
//
//	go run ./cmd/provider -redirect http://127.0.0.1:8080/auth/callback/demo
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"example.com/sidegate/deploy/providertest/provider"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	provider.Config
	redirect, bye, logout, key string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("provider", flag.ContinueOnError)
	flags.StringVar(&o.Address, "address", "127.0.0.1:9090", "host:port of loopback; port 0 takes a free one")
	flags.StringVar(&o.Path, "path", "", "path of the issuer, such as /realms/acme")
	flags.StringVar(&o.Algorithm, "algorithm", "RS256", "RS256, ES256 or EdDSA")
	flags.BoolVar(&o.KeepRefreshTokens, "keep-refresh-tokens", false, "do not rotate them")
	flags.StringVar(&o.redirect, "redirect", "http://127.0.0.1:8080/auth/callback/demo", "redirect URI of the demo clients")
	flags.StringVar(&o.bye, "bye", "http://127.0.0.1:8080/auth/logout", "where a sign-out goes back to")
	flags.StringVar(&o.logout, "logout", "", "where to announce the end of sessions, such as http://127.0.0.1:8080/auth/backchannel-logout/demo")
	flags.StringVar(&o.key, "key", "", "public key in PEM of the client demo-jwt; without it there is no such client")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := o.demo(); err != nil {
		return err
	}
	p, err := provider.Start(o.Config)
	if err != nil {
		return err
	}
	defer p.Close()
	o.print(out, p.Issuer())
	<-ctx.Done()
	return nil
}

// demo adds the people and the clients.
func (o *options) demo() error {
	o.People = provider.DemoPeople()
	o.Clients = []provider.Client{
		{ID: "demo", Secret: "demo-secret-of-the-provider-for-tests"},
		{ID: "demo-public"},
	}
	if o.key != "" {
		key, err := readKey(o.key)
		if err != nil {
			return err
		}
		o.Clients = append(o.Clients, provider.Client{ID: "demo-jwt", PublicKey: key})
	}
	for i := range o.Clients {
		c := &o.Clients[i]
		c.RedirectURIs, c.PostLogoutRedirectURIs, c.BackChannelLogoutURI = []string{o.redirect}, []string{o.bye}, o.logout
	}
	return nil
}

func readKey(file string) (crypto.PublicKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM: make one with `openssl pkey -pubout`", file)
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

func (o *options) print(out io.Writer, issuer string) {
	fmt.Fprintf(out, "issuer         %s\n", issuer)
	for _, c := range o.Clients {
		how := "none, with PKCE"
		switch {
		case c.PublicKey != nil:
			how = "private_key_jwt"
		case c.Secret != "":
			how = "client_secret_basic or client_secret_post: " + c.Secret
		}
		fmt.Fprintf(out, "client         %s (%s)\n", c.ID, how)
	}
	fmt.Fprintf(out, "redirect URI   %s\n", o.redirect)
	fmt.Fprintf(out, "after sign-out %s\n", o.bye)
	for _, person := range o.People {
		fmt.Fprintf(out, "person         %s\n", person.Email)
	}
}
