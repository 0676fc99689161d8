package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// read are the members of a discovery document that are read.
var read = []string{
	"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint",
	"id_token_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported", "token_endpoint_auth_methods_supported",
	"authorization_response_iss_parameter_supported",
}

// metadata is what we need of OpenID Connect Discovery 1.0 section 3, RFC 9207
// section 3 and RP-Initiated Logout 1.0 section 2.1.
type metadata struct {
	Issuer         string
	Authorization  string
	Token          string
	Keys           string
	UserInfo       string
	EndSession     string
	Algorithms     []string
	AuthAlgorithms []string
	AuthMethods    []string
	SendsIssuer    bool
}

// readMetadata reads a discovery document. What a sign-in cannot do without must
// be right; of what it can, what is wrong is left out, or read as it is meant, and
// odd tells of it, nil when there is nothing to tell.
func (c *Config) readMetadata(document []byte) (m *metadata, odd, err error) {
	d := discovered{loopback: strings.HasPrefix(strings.ToLower(c.Issuer), "http:")}
	if err := json.Unmarshal(document, &d.members); err != nil {
		return nil, nil, errors.New("is not a JSON object")
	}
	for _, name := range twice(document) {
		// Of two, other readers may take the other one.
		if slices.Contains(read, name) {
			return nil, nil, fmt.Errorf("has %s twice, of which nobody can tell which holds: have the provider send it once", name)
		}
	}
	m = &metadata{Issuer: d.needed("issuer")}
	if d.wrong == nil && m.Issuer == "" {
		return nil, nil, errors.New("has no issuer: is it the document of an OpenID provider?")
	}
	if d.wrong == nil && m.Issuer != c.Issuer {
		return nil, nil, otherIssuer(m.Issuer, c.Issuer)
	}
	m.Authorization = d.neededEndpoint("authorization_endpoint")
	m.Token = d.neededEndpoint("token_endpoint")
	m.Keys = d.neededEndpoint("jwks_uri")
	if !c.NoUserInfo && d.has("userinfo_endpoint") && d.wrong == nil {
		if m.UserInfo = d.neededEndpoint("userinfo_endpoint"); d.wrong != nil {
			d.wrong = fmt.Errorf("%w; if nothing that it says is needed, say `userinfo off`", d.wrong)
		}
	}
	if c.EndSession == "" {
		m.EndSession = d.optionalEndpoint("end_session_endpoint", "nobody is signed out at the provider: have it mended, or say `end_session`")
	}
	m.Algorithms = d.list("id_token_signing_alg_values_supported", "is as good as none, which means RS256")
	m.AuthAlgorithms = d.list("token_endpoint_auth_signing_alg_values_supported", "is as good as none")
	m.AuthMethods = d.list("token_endpoint_auth_methods_supported", "is as good as none")
	m.SendsIssuer = d.truth("authorization_response_iss_parameter_supported", "iss is not demanded of its answers, and held to the issuer where it is there")
	return m, d.told(), d.wrong
}

// otherIssuer says that what is of one issuer must be of the configured one, to the
// letter: else a provider could stand in for another (RFC 9700 section 4.4).
func otherIssuer(is any, configured string) error {
	text, ok := is.(string)
	switch {
	case is == nil:
		return fmt.Errorf("names no issuer, for it has no iss, and the configured one is %s", shownURL(configured))
	case !ok || text == "":
		return fmt.Errorf("is %s and names no issuer, and the configured one is %s", inJSON(is), shownURL(configured))
	}
	return fmt.Errorf("is of the issuer %s, and the configured one is %s: %s", shownURL(text), shownURL(configured), howItDiffers(text, configured))
}

// howItDiffers says what to do about another issuer than the configured one.
func howItDiffers(is, configured string) string {
	there, err := url.Parse(is)
	here, err2 := url.Parse(configured)
	switch {
	case err != nil || err2 != nil:
	case strings.TrimRight(is, "/") == strings.TrimRight(configured, "/"):
		return "write it exactly as the provider does, with or without the slash at its end"
	case strings.EqualFold(is, configured):
		return "write it exactly as the provider does, in capitals and small letters, too"
	case !strings.EqualFold(there.Host, here.Host):
		return "its host is another; if it is this provider all the same, configure the issuer that it names " +
			"(behind a proxy, the provider has an option for its public address), and `discovery` where the document is elsewhere"
	case there.Scheme != here.Scheme:
		return "its scheme is another: behind a proxy that does TLS, the provider has an option for its public address"
	case there.Path != here.Path:
		return "its path is another, as of another realm or tenant: configure that of your own"
	}
	return "write it exactly as the provider does"
}

// discovered is a discovery document that is being read.
type discovered struct {
	members  map[string]json.RawMessage
	loopback bool // only a loopback issuer may have endpoints without TLS
	wrong    error
	odd      []string
}

// value is a member; nil when it is null or not there.
func (d *discovered) value(name string) (value any) {
	_ = json.Unmarshal(d.members[name], &value) // of a valid document
	return value
}

// has reports whether there is something to read in a member. Some write an empty
// text for what they have not.
func (d *discovered) has(name string) bool {
	value := d.value(name)
	return value != nil && value != any("")
}

func (d *discovered) needed(name string) string {
	value := d.value(name)
	text, ok := value.(string)
	if value != nil && !ok && d.wrong == nil {
		d.wrong = fmt.Errorf("has %s that is %s and not a text", withArticle(name), inJSON(value))
	}
	return text
}

// withArticle is a member's name in a sentence.
func withArticle(name string) string {
	if strings.ContainsRune("aei", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

func (d *discovered) neededEndpoint(name string) string {
	address := d.needed(name)
	_, err := parseEndpoint(address, d.loopback)
	switch {
	case d.wrong != nil || err == nil:
	case !d.has(name):
		d.wrong = fmt.Errorf("has no %s", name)
	default:
		d.wrong = fmt.Errorf("has %s that %w", withArticle(name), err)
	}
	return address
}

// optionalEndpoint leaves out what is no good, for the reason given.
func (d *discovered) optionalEndpoint(name, so string) string {
	if !d.has(name) {
		return ""
	}
	address, ok := d.value(name).(string)
	if !ok {
		d.tell("%s is %s and not a text, so %s", name, found(d.value(name)), so)
		return ""
	}
	if _, err := parseEndpoint(address, d.loopback); err != nil {
		d.tell("%s, %s, %w, so %s", name, shownURL(address), err, so)
		return ""
	}
	return address
}

// list reads texts; a lone one is a list of one.
func (d *discovered) list(name, or string) (texts []string) {
	switch value := d.value(name).(type) {
	case nil:
	case string:
		d.tell("%s is %s and not a list, and is read as a list of one", name, found(value))
		return []string{value}
	case []any:
		for i, element := range value {
			if text, ok := element.(string); ok {
				texts = append(texts, text)
			} else {
				d.tell("%s has as number %d %s and not a text, which is left out", name, i+1, found(element))
			}
		}
	default:
		d.tell("%s is %s and not a list, and %s", name, found(value), or)
	}
	return texts
}

// truth reads true and false, and what says either in another form.
func (d *discovered) truth(name, or string) (is bool) {
	value := d.value(name)
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	}
	switch text := strings.ToLower(strings.TrimSpace(fmt.Sprint(value))); text {
	case "true", "1", "yes", "[true]":
		is = true
	case "false", "0", "no", "":
	default:
		d.tell("%s is %s, neither true nor false, so %s", name, found(value), or)
		return false
	}
	d.tell("%s is %s, and is read as %t", name, found(value), is)
	return is
}

func (d *discovered) tell(format string, args ...any) {
	d.odd = append(d.odd, fmt.Errorf(format, args...).Error())
}

// told is what is odd, as one error.
func (d *discovered) told() error {
	if d.odd == nil {
		return nil
	}
	return errors.New("of the discovery document, " + strings.Join(d.odd, "; "))
}
