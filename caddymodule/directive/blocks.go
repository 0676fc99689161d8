package directive

import "strings"

// block is one whose options are known here, for advice about one that stands
// in the wrong place. A test holds the table against the code that reads them.
type block struct {
	name    string // as Block is told it
	called  string // as people are told of it
	options string
}

var blocks = []block{
	{"sidegate", "the global block `sidegate { ... }`", "store cache stale secret lifetime idle_timeout max_sessions base_path public_url " +
		"return_to cors account_param cookie token login login_order same_people directory ambiguous_paths user_header log_names refresh_every role policy report_only docs why clear_site_data appearance"},
	{"cookie", "`cookie { ... }` in the global block `sidegate`", "name domain same_site insecure"},
	{"appearance", "`appearance { ... }` in the global block `sidegate`", "name logo accent help templates"},
	{"token", "`token { ... }` in the global block `sidegate`", "issuer ttl off audience algorithm signing_key"},
	{"role", "`role <name> { ... }` in the global block `sidegate`", "includes permissions"},
	{"same_people", "`same_people <login>... { ... }` in the global block `sidegate`", "former"},
	{"store redis", "`store redis <url> { ... }`", "username password key_prefix sentinel cluster tls timeout dial_timeout " +
		"read_timeout write_timeout pool_size wait"},
	{"tls", "`tls { ... }` of store redis", "ca cert key server_name"},
	{"login users", "`login users <file> { ... }`", "label email_domains"},
	{"login oidc", "`login oidc <name> { ... }`", "issuer client_id client_secret client_auth client_key label scopes auth_param acr_values " +
		"max_age trust_unverified_email email_domains ca map require discovery end_session userinfo pkce response_mode icon"},
	{"login app", "`login app <name> <url> { ... }`", "body header timeout success keep_cookies logout label trust_typed_email " +
		"email_domains ca map require"},
	{"login adopt", "`login adopt <name> <url> { ... }`", "cookie header map require until as timeout email_domains ca"},
	{"directory http", "`directory http <name> <url> { ... }`", "header basic_auth timeout retries required optional ca map require"},
	{"session_endpoints", "`session_endpoints { ... }`", "keep_header"},
	{"session_auth", "`session_auth { ... }`", "optional public role permission account_admin path ambiguous_paths headers header_roles user_header " +
		"header keep_header assertion upstream_token no_redirect foreign_bearer handle_errors on_session_end preflight report_only"},
	{"path", "`path <pattern>... { ... }` in session_auth", "role permission account_admin public optional method report_only"},
	{"policy", "`policy <name> { ... }` in the global block `sidegate`", "optional public role permission account_admin path headers header_roles user_header header assertion redirect preflight report_only"},
	{"transport sidegate", "`transport sidegate { ... }` of reverse_proxy", "dial_timeout response_header_timeout keepalive " +
		"keepalive_idle_conns_per_host max_conns_per_host max_response_header read_buffer write_buffer local_address"},
	{"format lazy", "`format lazy { ... }` of a log", "wrap"},
	{"session", "the matcher `session { ... }`", "role permission account_admin"},
}

// caddys are words of Caddy's own, and ours outside of blocks, that people write
// into a block of ours.
var caddys = []block{
	{"servers", "an option of Caddy's global block `servers { ... }`", "trusted_proxies trusted_proxies_strict trusted_proxies_unix " +
		"client_ip_headers protocols strict_sni_host listener_wrappers log_credentials"},
	{"global", "a global option of Caddy's, beside the block `sidegate { ... }`", "admin storage auto_https email debug order servers default_sni " +
		"http_port https_port local_certs grace_period persist_config"},
	{"site", "a directive, in the block of a site", "session_auth session_endpoints session_health reverse_proxy handle handle_path route respond " +
		"file_server encode redir rewrite basic_auth forward_auth bind import"},
}

// Blocks are the options of every block of ours, by its name.
func Blocks() map[string][]string {
	all := make(map[string][]string, len(blocks))
	for _, b := range blocks {
		all[b.name] = strings.Fields(b.options)
	}
	return all
}
