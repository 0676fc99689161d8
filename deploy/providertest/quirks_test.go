package providertest

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/deploy/providertest/standin"
)

// What the login page says, in short.
const (
	notAccepted = "This service cannot accept the answer of the one you signed in at."
	notCome     = "does not belong to a sign-in begun in this browser"
	spentThere  = "what came back with you had been used already, or came too late. Please sign in again."
	notNow      = " cannot be reached at the moment, so nobody can sign in there."
	notForEach  = " are not set up for each other, so nobody can sign in there."
	notMapped   = "This sign-in cannot be completed"
	inTrouble   = "says that it is in trouble for the moment"
)

// object are members of a document.
type object = map[string]any

// quirksOfProviders are what was seen at providers that there are, or that people
// configure: the next one is a line here and, where it is a new one, a switch in
// standin.Quirks.
var quirksOfProviders = []quirk{
	// What is said of people.
	{saw: "the one group somebody is in is a role", quirks: standin.Quirks{Claims: object{"groups": "admins"}}, options: groups, roles: []string{"admins"}},
	{saw: "groups that are numbers are told as such", quirks: standin.Quirks{Claims: object{"groups": 7}}, options: groups,
		status: 403, page: notMapped, log: []string{"cannot be mapped", "map roles"}},
	{saw: "a list with something else in it is told as such", quirks: standin.Quirks{Info: object{"groups": []any{object{"name": "admins"}}}}, options: groups,
		status: 403, page: notMapped, log: []string{"cannot be mapped", "map roles"}},
	{saw: "roles that stand in the access token only", quirks: standin.Quirks{Access: object{"realm_access": object{"roles": []string{"admin", "user"}}}},
		options: "map {\nroles `access_token.?realm_access.roles.orValue([])`\n}", roles: []string{"admin", "user"}},
	{saw: "roles of an access token of another client are nobody's", quirks: standin.Quirks{Access: object{"azp": "other", "roles": []string{"admin"}}},
		options: "map {\nroles `access_token.?roles.orValue([])`\n}", log: []string{"issued to another client, its azp"}},
	{saw: "roles of an access token that is no JWT are told to be none", options: "map {\nroles `access_token.?roles.orValue([])`\n}",
		log: []string{"the access token is no JWT"}},
	{saw: "groups that stand elsewhere are no roles", quirks: standin.Quirks{Claims: object{"_claim_names": object{"groups": "src1"},
		"_claim_sources": object{"src1": object{"endpoint": "https://graph.example.com/groups"}}}}, options: groups,
		log: []string{`claims "groups" stand elsewhere (_claim_names)`, "or ask a directory"}},
	{saw: "an address of which nothing is said is not used", quirks: standin.Quirks{Claims: object{"email_verified": nil}},
		status: 403, page: "does not say whether your email address is verified", log: []string{"email_verified is not among its claims", "trust_unverified_email"}},
	{saw: "an address of which nothing is said is trusted where that is said", quirks: standin.Quirks{Claims: object{"email_verified": nil}}, options: "trust_unverified_email"},
	{saw: "an address that is not verified is not used", quirks: standin.Quirks{Claims: object{"email_verified": false}},
		status: 403, page: "Your email address is not verified at ", log: []string{"it says so by email_verified", "trust_unverified_email"}},
	{saw: "an address that is verified by a text", quirks: standin.Quirks{Claims: object{"email_verified": "true"}}},
	{saw: "an address that a text says is not verified", quirks: standin.Quirks{Claims: object{"email_verified": "false"}},
		status: 403, page: "Your email address is not verified at ", log: []string{"trust_unverified_email"}},
	{saw: "an address that is verified by a number", quirks: standin.Quirks{Claims: object{"email_verified": 1}},
		status: 403, page: "Your email address is not verified at ", log: []string{"its email_verified is the number 1, and true alone"}},
	{saw: "an address that is verified by a word in capitals", quirks: standin.Quirks{Claims: object{"email_verified": "True"}},
		status: 403, page: "Your email address is not verified at ", log: []string{`its email_verified is the text "True"`}},
	{saw: "an address that userinfo verifies in other letters", quirks: standin.Quirks{Claims: object{"email_verified": nil}, Info: object{"email": "ADA@Example.com", "email_verified": true}}},
	{saw: "an address beside one that userinfo verifies", quirks: standin.Quirks{Claims: object{"email_verified": nil}, Info: object{"email": "eve@example.com", "email_verified": true}},
		status: 403, page: "does not say whether your email address is verified", log: []string{"the email_verified of userinfo is about another address"}},
	{saw: "no address at all", quirks: standin.Quirks{Claims: object{"email": nil}}, status: 403, page: "No email address came", log: []string{"ask for the email scope"}},

	// Keys and signatures.
	{saw: "a new key under the name of the one before", before: rotates},
	{saw: "a key without a name", quirks: standin.Quirks{Key: object{"kid": nil}}},
	{saw: "a token without the name of its key", quirks: standin.Quirks{Header: object{"kid": nil}}},
	{saw: "a key with a fingerprint of odd size", quirks: standin.Quirks{Key: object{"x5t": "abc", "x5t#S256": "AA"}}},
	{saw: "a key with a certificate in PEM", quirks: standin.Quirks{Key: object{"x5c": []string{"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"}}}},
	{saw: "a key that cannot be read is told of", quirks: standin.Quirks{Key: object{"crv": "P-257"}},
		status: 401, page: notAccepted, log: []string{"key 1 is of a kind that is not known here", "no key for signatures"}},
	{saw: "Ed25519 by its new name", quirks: standin.Quirks{Algorithm: "Ed25519"}},
	{saw: "Ed25519 by its new name, which the document calls EdDSA", quirks: standin.Quirks{Algorithm: "Ed25519", Metadata: object{"id_token_signing_alg_values_supported": []string{"EdDSA"}}}},
	{saw: "a key whose name is a number", quirks: standin.Quirks{Key: object{"kid": 1}, Header: object{"kid": "1"}}},
	{saw: "a key with an algorithm that is a number", quirks: standin.Quirks{Key: object{"alg": 5}}, log: []string{"key 1 has the alg the number 5, which is not looked at"}},
	{saw: "a key with its algorithm in small letters", quirks: standin.Quirks{Key: object{"alg": "es256"}}},
	{saw: "a key that is not to verify with", quirks: standin.Quirks{Key: object{"use": nil, "key_ops": []string{"encrypt"}}},
		status: 401, page: notAccepted, log: []string{"key 1 has key_ops without verify", "no key for signatures"}},
	{saw: "a header with certificates that are none", quirks: standin.Quirks{Header: object{"x5c": "zz", "x5t": "!!!"}}},
	{saw: "a key with its use in a list", quirks: standin.Quirks{Key: object{"use": []string{"sig"}}}},
	{saw: "a key with its use in capitals", quirks: standin.Quirks{Key: object{"use": "SIG"}}},
	{saw: "a key with a use of its own is told of", quirks: standin.Quirks{Key: object{"use": "signing"}},
		status: 401, page: notAccepted, log: []string{`key 1 has the use "signing", which is not sig`, "no key for signatures"}},
	{saw: "a key for another algorithm is told as such", quirks: standin.Quirks{Key: object{"alg": "ES384"}},
		status: 401, page: notAccepted, log: []string{`is signed with ES256, and the provider's key of that name, kid "key-1", is for "ES384" alone`}},
	{saw: "a token whose key has an empty name", quirks: standin.Quirks{Header: object{"kid": ""}}},
	{saw: "a token whose key has a number for its name", quirks: standin.Quirks{Header: object{"kid": 1}}, status: 401, page: notAccepted, log: []string{"a kid that is the number 1 and not a text"}},
	{saw: "HS256 is refused with what to choose", quirks: standin.Quirks{Algorithm: "HS256"}, status: 401, page: notAccepted,
		log: []string{`the algorithm "HS256"`, "choose an RSA or EC key for this client"}},
	{saw: "an algorithm that the document does not list", quirks: standin.Quirks{Metadata: object{"id_token_signing_alg_values_supported": nil}},
		status: 401, page: notAccepted, log: []string{`the algorithm "ES256"`, "lists no algorithm, which means RS256"}},

	// What was moved, or set up anew, since the document was fetched.
	{saw: "a token endpoint that was moved", before: moves("token_endpoint", 404)},
	{saw: "a token endpoint that was moved, and takes no posts where it was", before: moves("token_endpoint", 405)},
	{saw: "a token endpoint that was moved, to where a page was", before: movesTwice("token_endpoint", 200), log: []string{"something that is not JSON"}},
	{saw: "a token endpoint that was moved, and is in trouble where it was", before: func(t *testing.T, r *tried) {
		moves("token_endpoint", 503)(t, r)
		r.wantOut(t, r.signIn(t), http.StatusServiceUnavailable, notNow)
		r.visitor = provider.NewVisitor(standin.Email)
	}, seldom: true, log: []string{"answers with status 503"}},
	{saw: "a userinfo endpoint that was moved, and is in trouble where it was", before: moves("userinfo_endpoint", 502)},
	{saw: "keys that were moved, and are in trouble where they were", before: func(t *testing.T, r *tried) { moves("jwks_uri", 500)(t, r); r.provider.Rotate() }},
	{saw: "a userinfo endpoint that was moved", before: moves("userinfo_endpoint", 410)},
	{saw: "a userinfo endpoint where there is a page", before: moves("userinfo_endpoint", 200)},
	{saw: "keys that were moved", before: func(t *testing.T, r *tried) { moves("jwks_uri", 404)(t, r); r.provider.Rotate() }},
	{saw: "keys where there is a page", before: func(t *testing.T, r *tried) { moves("jwks_uri", 200)(t, r); r.provider.Rotate() }},
	{saw: "an algorithm that the document has since", quirks: standin.Quirks{Metadata: object{"id_token_signing_alg_values_supported": []string{"RS256"}}},
		before: func(t *testing.T, r *tried) {
			stays := provider.NewVisitor(standin.Email)
			stays.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			mustOpen(t, stays, r.URL+"/auth/login/"+r.login) // now the document is known
			r.provider.Change(object{"id_token_signing_alg_values_supported": []string{"ES256"}})
		}},
	{saw: "a token endpoint that leads on is told as such", quirks: standin.Quirks{TokenStatus: 302}, status: 401, page: notAccepted,
		log: []string{`the token endpoint at "ISSUER/token" answers with a redirect, which is never followed`, "discovery document names another place"}},

	// What nobody needs to sign in.
	{saw: "an end of session that is no address", quirks: standin.Quirks{Metadata: object{"end_session_endpoint": "/logout"}},
		log: []string{`end_session_endpoint, "/logout", is not an absolute URL, so nobody is signed out at the provider`}, after: endsThere()},
	{saw: "an end of session without TLS", quirks: standin.Quirks{Metadata: object{"end_session_endpoint": "http://idp.example/logout"}},
		log: []string{"is not https", "so nobody is signed out at the provider"}, after: endsThere()},
	{saw: "a userinfo endpoint that is no address", quirks: standin.Quirks{Metadata: object{"userinfo_endpoint": "/rel"}}, status: 503, page: notForEach,
		log: []string{"has a userinfo_endpoint that is not an absolute URL", "userinfo off"}},
	{saw: "a userinfo endpoint that is no address, and not asked", quirks: standin.Quirks{Metadata: object{"userinfo_endpoint": "/rel"}}, options: "userinfo off"},
	{saw: "true in a text", quirks: standin.Quirks{Metadata: object{"authorization_response_iss_parameter_supported": "true"}},
		log: []string{`authorization_response_iss_parameter_supported is the text "true", and is read as true`}},
	{saw: "true in a text, and no iss", quirks: standin.Quirks{Metadata: object{"authorization_response_iss_parameter_supported": "true"}, Answer: map[string]string{"iss": ""}},
		status: 401, page: notAccepted, log: []string{"is read as true", "the answer has no iss"}},
	{saw: "a lone algorithm", quirks: standin.Quirks{Metadata: object{"id_token_signing_alg_values_supported": "ES256"}}, log: []string{"is read as a list of one"}},
	{saw: "a session there whose name is a number", quirks: standin.Quirks{Claims: object{"sid": 4711}}},
	{saw: "a session there without a name", quirks: standin.Quirks{Claims: object{"sid": ""}}, log: []string{"a sid that is an empty text and is left out"}},
	{saw: "a session there with a long name", quirks: standin.Quirks{Claims: object{"sid": strings.Repeat("s", 300)}}, log: []string{"a sid that is a text of more than 255 bytes and is left out"}},
	{saw: "a session there with a line break in its name", quirks: standin.Quirks{Claims: object{"sid": "a\nb"}}, log: []string{"a sid that is a text with control characters"}},
	{saw: "a name with a line break", quirks: standin.Quirks{Claims: object{"name": "Ada\nLovelace"}}},
	{saw: "a name that is long", quirks: standin.Quirks{Claims: object{"name": strings.Repeat("Ada ", 200)}}},
	{saw: "one audience twice", quirks: standin.Quirks{Claims: object{"aud": []string{standin.ClientID, standin.ClientID}}}},
	{saw: "a moment of always in a text", quirks: standin.Quirks{Claims: object{"nbf": "0"}}},
	{saw: "a moment that is none", quirks: standin.Quirks{Claims: object{"nbf": "always"}}, status: 401, page: notAccepted, log: []string{"has an nbf that is a text and no date"}},
	{saw: "a subject that is a number is told in words of JSON", quirks: standin.Quirks{Claims: object{"sub": 7}}, status: 401, page: notAccepted, log: []string{"has a sub that is a number, and must be a text"}},

	// Errors at the callback.
	{saw: "an answer of another issuer is told with both", quirks: standin.Quirks{Answer: map[string]string{"iss": "https://sso.example.com/"}}, status: 400, page: notCome,
		log: []string{`iss is of the issuer "https://sso.example.com/", and the configured one is "ISSUER"`}},
	{saw: "an answer without the issuer that was announced", quirks: standin.Quirks{Answer: map[string]string{"iss": ""}}, status: 401, page: notAccepted,
		log: []string{"the answer has no iss", "authorization_response_iss_parameter_supported", "have the provider send it"}},
	{saw: "trouble that has passed", quirks: standin.Quirks{Error: "temporarily_unavailable", Errors: 1}, log: []string{"temporarily_unavailable", "it begins again by itself"}},
	{saw: "trouble that goes on", quirks: standin.Quirks{Error: "temporarily_unavailable", Errors: 2}, status: 503, page: inTrouble, log: []string{"the answer is temporarily_unavailable"}},
	{saw: "an error there that has passed", quirks: standin.Quirks{Error: "server_error", Errors: 1}, log: []string{"server_error", "it begins again by itself"}},
	{saw: "an error there that goes on", quirks: standin.Quirks{Error: "server_error", Errors: 2}, status: 503, page: inTrouble, log: []string{"the answer is server_error"}},
	{saw: "an error that is our mistake is named", quirks: standin.Quirks{Error: "invalid_scope", Errors: 1}, status: 401, page: notAccepted, log: []string{"is invalid_scope"}},
	{saw: "an error of no list is named", quirks: standin.Quirks{Error: "AADSTS50105", Errors: 1}, status: 401, page: notAccepted, log: []string{`error code "AADSTS50105", which no standard lists`}},
	{saw: "an error that is a script is not repeated", quirks: standin.Quirks{Error: "<a\n>", Errors: 1}, status: 401, page: notAccepted, log: []string{"whose code is none that RFC 6749 allows"}},
	{saw: "somebody who cancels at Apple", quirks: standin.Quirks{Error: "user_cancelled_authorize", Errors: 1}, status: 401, page: " was cancelled or not allowed", info: []string{"user_cancelled_authorize"}},
	{saw: "somebody who cancels at LinkedIn", quirks: standin.Quirks{Error: "user_cancelled_login", Errors: 1}, status: 401, page: " was cancelled or not allowed", info: []string{"user_cancelled_login"}},
	{saw: "somebody who says no there", quirks: standin.Quirks{Error: "access_denied", Errors: 1}, status: 401, page: " was cancelled or not allowed", info: []string{"access_denied"}},

	{saw: "trouble at the token endpoint is no mistake of ours", quirks: standin.Quirks{TokenError: object{"error": "temporarily_unavailable"}}, status: 503, page: inTrouble,
		log: []string{"the token endpoint answers temporarily_unavailable"}},
	{saw: "a token endpoint that says why", quirks: standin.Quirks{TokenError: object{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret"},
		Metadata: object{"token_endpoint_auth_methods_supported": []string{"private_key_jwt"}}}, status: 401, page: notAccepted,
		log: []string{`(it says "AADSTS7000215: Invalid client secret")`, "the provider takes private_key_jwt: say `client_auth private_key_jwt`"}},

	// Where it is, and who it says it is.
	{saw: "a discovery document at another place", quirks: standin.Quirks{Issuer: "http://localhost/tenant"}, options: "discovery ISSUER/.well-known/openid-configuration"},
	{saw: "a redirect in front of the discovery document", quirks: standin.Quirks{Moved: true}},
	{saw: "another issuer is told with both", quirks: standin.Quirks{Metadata: object{"issuer": "https://sso.example.com/realms/acme/"}},
		status: 503, page: notForEach, log: []string{`is of the issuer "https://sso.example.com/realms/acme/", and the configured one is "ISSUER"`}},
	{saw: "another issuer in the token is told with both", quirks: standin.Quirks{Claims: object{"iss": "https://sts.example.com/tenant/"}},
		status: 401, page: notAccepted, log: []string{`is of the issuer "https://sts.example.com/tenant/", and the configured one is "ISSUER"`}},
	{saw: "a provider that is down is named", before: func(_ *testing.T, r *tried) { r.provider.Down() }, options: `label "Acme SSO"`,
		status: 503, page: notNow, seldom: true, log: []string{"cannot be reached", `the discovery document at "ISSUER/.well-known/openid-configuration"`, "is the provider up?"}},
	{saw: "a token endpoint that is down is named", quirks: standin.Quirks{TokenStatus: 502}, status: 503, page: notNow, seldom: true,
		log: []string{`the token endpoint at "ISSUER/token" answers with status 502`}},

	// What comes for a code.
	{saw: "a code that was used is told so", quirks: standin.Quirks{Spent: true}, status: 400, page: spentThere, log: []string{"the provider refuses the code, by invalid_grant: it was used before"}},
	{saw: "a double click says who is signed in", after: comesAgain},
	{saw: "a provider that fails on code_verifier", quirks: standin.Quirks{NoVerifier: true}, status: 401, page: notAccepted, log: []string{"invalid_request", "pkce off"}},
	{saw: "a provider that fails on code_verifier gets none", quirks: standin.Quirks{NoVerifier: true}, options: "pkce off"},
	{saw: "no nonce", quirks: standin.Quirks{Claims: object{"nonce": nil}}, status: 401, page: notAccepted, log: []string{"has no nonce, although one was sent"}},
	{saw: "the nonce of somebody else", quirks: standin.Quirks{Claims: object{"nonce": "of-somebody-else"}}, status: 400, page: notCome, log: []string{"has the nonce of another attempt"}},
	{saw: "no token_type", quirks: standin.Quirks{Tokens: object{"token_type": nil}}, status: 401, page: notAccepted, log: []string{"without a token_type, which must be Bearer"}},
	{saw: "another token_type", quirks: standin.Quirks{Tokens: object{"token_type": "DPoP"}}, status: 401, page: notAccepted, log: []string{`of type "DPoP", not Bearer`}},
	{saw: "a token_type in lower case", quirks: standin.Quirks{Tokens: object{"token_type": "bearer"}}},
	{saw: "no ID token", quirks: standin.Quirks{Tokens: object{"id_token": nil}}, status: 401, page: notAccepted, log: []string{"gives no ID token", "openid scope"}},
	{saw: "two audiences are told with what to change there", quirks: standin.Quirks{Claims: object{"aud": []string{standin.ClientID, "api"}}},
		status: 401, page: notAccepted, log: []string{"is for several clients and has no azp: have the provider put this client alone into the ID token's aud"}},
	{saw: "two audiences, and who of them it was issued to", quirks: standin.Quirks{Claims: object{"aud": []string{standin.ClientID, "api"}, "azp": standin.ClientID}}},
	{saw: "one audience in a list", quirks: standin.Quirks{Claims: object{"aud": []string{standin.ClientID}}}},

	// Userinfo.
	{saw: "userinfo that is of no OpenID", quirks: standin.Quirks{Info: object{"sub": nil, "login": "ada"}}, status: 401, page: notAccepted,
		log: []string{"without sub, so about nobody", "userinfo off"}},
	{saw: "userinfo with a number as sub", quirks: standin.Quirks{Info: object{"sub": 7}}, status: 401, page: notAccepted, log: []string{"a sub that is a number and names nobody", "userinfo off"}},
	{saw: "userinfo about another person", quirks: standin.Quirks{Info: object{"sub": "eve-1"}}, status: 401, page: notAccepted, log: []string{"about another subject than the ID token"}},
	{saw: "userinfo about the same person in other letters", quirks: standin.Quirks{Info: object{"sub": "ADA-1"}}, status: 401, page: notAccepted,
		log: []string{"its sub differs in upper and lower case alone"}},
	{saw: "userinfo that is never right is not asked", quirks: standin.Quirks{Info: object{"sub": nil}}, options: "userinfo off"},
	{saw: "userinfo that fails is told", quirks: standin.Quirks{UserInfoStatus: 403}, status: 401, page: notAccepted, log: []string{"the userinfo endpoint answers with status 403"}},
	{saw: "no userinfo endpoint", quirks: standin.Quirks{Metadata: object{"userinfo_endpoint": nil}}},

	// Sign-out.
	{saw: "a sign-out there of somebody in few groups", quirks: standin.Quirks{Claims: object{"groups": groupsOf(3)}}, options: groups, roles: groupsOf(3),
		after: endsThere("/end?", "id_token_hint=", "client_id=shop", "post_logout_redirect_uri=")},
	{saw: "a sign-out there of somebody in 60 groups", quirks: standin.Quirks{Claims: object{"groups": groupsOf(60)}}, options: groups, roles: groupsOf(60),
		after: endsThere("/end?", "logout_hint=ada%40example.com", "client_id=shop", "post_logout_redirect_uri=")},
	{saw: "a sign-out there of somebody in 60 groups, by a browser", quirks: standin.Quirks{Claims: object{"groups": groupsOf(60)}}, options: groups, roles: groupsOf(60),
		after: postsThere(http.StatusOK, "You are signed out")},
	{saw: "a sign-out there where no form is taken", quirks: standin.Quirks{Claims: object{"groups": groupsOf(60)}, NoPosts: true}, options: groups, roles: groupsOf(60),
		after: postsThere(http.StatusMethodNotAllowed, "Method Not Allowed")},
	{saw: "a sign-out at a place of its own, of somebody with a long name", quirks: standin.Quirks{Claims: object{"preferred_username": strings.Repeat("ü", 400)}},
		options: "end_session ISSUER/bye?client={client_id}&u={logout_hint}", after: endsThere("/bye?client=shop&u="), log: []string{"end_session has more than 1999 bytes"}},
	{saw: "a sign-out at a place of its own", quirks: standin.Quirks{Metadata: object{"end_session_endpoint": nil}},
		options: "end_session ISSUER/bye?client={client_id}&to={redirect_uri}", after: endsThere("/bye?client=shop&to=http%3A%2F%2F127.0.0.1")},
	{saw: "a sign-out there where there is no place for it", quirks: standin.Quirks{Metadata: object{"end_session_endpoint": nil}}, after: endsThere()},
}

// groupsOf are as many names as long as those that Entra ID gives.
func groupsOf(n int) (names []string) {
	for i := range n {
		names = append(names, "8f0c2d4e-6a1b-4c3d-9e5f-"+strings.Repeat(string(rune('a'+i%26)), 10)+string(rune('a'+i/26))+"0")
	}
	slices.Sort(names)
	return names
}

// rotates has the provider change its key once the gateway knows it.
func rotates(t *testing.T, r *tried) {
	r.wantIn(t, r.signIn(t), nil)
	r.visitor = provider.NewVisitor(standin.Email)
	r.provider.Rotate()
}

// comesAgain brings the answer that has signed somebody in once more.
func comesAgain(t *testing.T, r *tried) {
	page := mustOpen(t, r.visitor, r.answer.String())
	if said := html.UnescapeString(page.Body); page.Status != http.StatusOK || !strings.Contains(said, "You are signed in as <strong>"+standin.Email) {
		t.Errorf("%d\n%s", page.Status, said)
	}
	r.wantIn(t, page, nil)
}

// endsThere signs out, which leads to the provider by an address with those
// words that proxies let pass; without words it does not.
func endsThere(words ...string) func(*testing.T, *tried) {
	return func(t *testing.T, r *tried) {
		signOut(t, r.visitor, r.Process)
		wantStranger(t, r.visitor, r.Process)
		ended := r.provider.Ended()
		if len(ended) >= 2000 || (ended == "") != (len(words) == 0) {
			t.Errorf("the browser is led to %d bytes: %s", len(ended), ended)
		}
		for _, word := range words {
			if !strings.Contains(ended, word) {
				t.Errorf("%s is not in %s", word, ended)
			}
		}
	}
}

// moves has an endpoint be elsewhere once the gateway knows where it was, and the
// place where it was answer with that status.
func moves(member string, status int) func(*testing.T, *tried) {
	return func(t *testing.T, r *tried) {
		r.wantIn(t, r.signIn(t), nil)
		r.visitor = provider.NewVisitor(standin.Email)
		r.provider.Move(member, status)
	}
}

// movesTwice is moves where nobody can tell whether the code was spent: the next
// sign-in goes well.
func movesTwice(member string, status int) func(*testing.T, *tried) {
	return func(t *testing.T, r *tried) {
		moves(member, status)(t, r)
		r.wantOut(t, r.signIn(t), http.StatusUnauthorized, notAccepted)
		r.visitor = provider.NewVisitor(standin.Email)
	}
}

// postsThere signs out as a browser does, which has the provider told by a form, and
// ends at a page of that status with those words.
func postsThere(status int, words string) func(*testing.T, *tried) {
	return func(t *testing.T, r *tried) {
		page := submit(t, r.visitor, r.URL+"/auth/logout", url.Values{})
		wantStranger(t, r.visitor, r.Process)
		form, action := formOf(t, page)
		if action != r.provider.URL()+"/end" || !strings.HasPrefix(form.Get("id_token_hint"), "ey") || form.Get("client_id") != standin.ClientID {
			t.Errorf("the page posts %v to %s", form, action)
		}
		if page = submit(t, r.visitor, action, form); page.Status != status || !strings.Contains(page.Body, words) {
			t.Errorf("%d at %s: %s", page.Status, page.URL, page.Body)
		}
		if told := r.provider.Posted(); (status == http.StatusOK) != (told.Get("id_token_hint") == form.Get("id_token_hint")) {
			t.Errorf("the provider is told %v", told)
		}
	}
}
