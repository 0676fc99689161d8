package sessionscommand

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/adminapi"
	"example.com/sidegate/caddymodule/terminal"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// session is one, as the API has it.
type session = adminapi.Session

type sessionPage struct {
	Sessions   []json.RawMessage `json:"sessions"`
	Cursor     string            `json:"cursor,omitempty"`
	Unreadable int               `json:"unreadable,omitempty"`
}

// pageSize is the most that the API gives at once.
const pageSize = "1000"

func list(r *run) error {
	name, value := r.filter()
	if name == "" {
		return errors.New("say whose sessions: --user <id>, --email <address>, --login <name> or --all")
	}
	all := sessionPage{Sessions: []json.RawMessage{}}
	for query := (url.Values{name: {value}, "limit": {pageSize}}); ; {
		var page sessionPage
		if err := r.api.do(http.MethodGet, "sessions", query, &page, "sessions"); err != nil {
			return err
		}
		for _, text := range page.Sessions {
			if err := terminal.Read(r.api.address, text, new(session), "id"); err != nil {
				return err
			}
		}
		all.Sessions = append(all.Sessions, page.Sessions...)
		all.Unreadable = max(all.Unreadable, page.Unreadable)
		if page.Cursor == "" {
			break
		}
		if page.Cursor == query.Get("cursor") {
			return fmt.Errorf("what answers at %s gives the same page again and again, so it is no gateway of this kind: look at --address", terminal.Printable(r.api.address))
		}
		query.Set("cursor", page.Cursor)
	}
	if r.fl.Bool("json") {
		return r.print(all)
	}
	sessions := make([]session, len(all.Sessions))
	for i, text := range all.Sessions {
		if err := json.Unmarshal(text, &sessions[i]); err != nil {
			return err
		}
	}
	if err := writeTable(r.out, sessions); err != nil {
		return err
	}
	return r.sayUnreadable(all.Unreadable, "is not listed", "are not listed")
}

// sayUnreadable tells of sessions that the gateway cannot read, if there are any.
func (r *run) sayUnreadable(n int, one, more string) error {
	var err error
	switch n {
	case 0:
	case 1:
		_, err = fmt.Fprintf(r.ask, "1 more session cannot be read, and %s: see Caddy's log for why, such as a former secret that is not named\n", one)
	default:
		_, err = fmt.Fprintf(r.ask, "%d more sessions cannot be read, and %s: see Caddy's log for why, such as a former secret that is not named\n", n, more)
	}
	return err
}

func (r *run) print(value any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return err
	}
	_, err := r.out.Write(web.EscapeUnseen(text.Bytes())) // an earlier gateway says it as it is
	return err
}

// checkID keeps what is no id out of the address that is asked.
func checkID(id string) error {
	if _, err := sessionstore.ParseID(id); err != nil {
		return fmt.Errorf("%q is no id of a session, which has 16 letters, digits, - and _: see list, the log, or X-Session-Id", terminal.Printable(id))
	}
	return nil
}

func show(r *run) error {
	if err := checkID(r.args[0]); err != nil {
		return err
	}
	query := make(url.Values)
	if r.fl.Changed("user") {
		query.Set("user", r.fl.String("user"))
	}
	var answer json.RawMessage
	if err := r.api.do(http.MethodGet, "sessions/"+r.args[0], query, &answer, "id"); err != nil {
		return r.ofAnother(err)
	}
	if r.fl.Bool("json") {
		return r.print(answer)
	}
	var s struct {
		session
		Unreadable string `json:"unreadable"`
	}
	if err := json.Unmarshal(answer, &s); err != nil {
		return err
	}
	if s.Unreadable != "" {
		_, err := fmt.Fprintf(r.out, "%s cannot be read: %s. It can be ended by revoke.\n", terminal.Printable(s.ID), terminal.Printable(s.Unreadable))
		return err
	}
	return writeOne(r.out, s.session)
}

// ofAnother says that a session which was looked for among those of --user may be
// somebody else's.
func (r *run) ofAnother(err error) error {
	if len(r.args) == 1 && r.fl.Changed("user") && strings.HasPrefix(err.Error(), "there is no session ") {
		return fmt.Errorf("%w; it was looked for among those of --user %s: leave that out where it may be another person's", err, terminal.Printable(r.fl.String("user")))
	}
	return err
}

func revoke(r *run) error {
	name, value := r.filter()
	switch {
	case len(r.args) > 1:
		return errors.New("name one session, or say whose by --user, --email, --login or --all")
	case len(r.args) == 0 && name == "":
		return errors.New("say which session by its id, or whose by --user, --email, --login or --all" + hyphened("revoke"))
	case len(r.args) == 1 && name != "" && name != "user":
		return errors.New("a session is named by its id alone: leave --" + name + " out, or the id")
	}
	path, query := "sessions", make(url.Values)
	if len(r.args) == 1 {
		if err := checkID(r.args[0]); err != nil {
			return err
		}
		path += "/" + r.args[0]
	}
	if name != "" {
		query.Set(name, value)
	}
	if name == "all" && !r.fl.Bool("yes") {
		if sure, err := r.sure(); !sure {
			return err
		}
	}
	var done struct {
		Ended      int `json:"ended"`
		Unreadable int `json:"unreadable,omitempty"`
	}
	if err := r.api.do(http.MethodDelete, path, query, &done, "ended"); err != nil {
		return r.ofAnother(err)
	}
	if r.fl.Bool("json") {
		return r.print(done)
	}
	if _, err := fmt.Fprintln(r.out, counted(done.Ended)+" ended."); err != nil {
		return err
	}
	return r.sayUnreadable(done.Unreadable, "may be of those; revoke --user ends it with the person's others", "may be of those; revoke --user ends them with each person's others")
}

// sure asks the person at the terminal whether everybody is to be signed out.
func (r *run) sure() (bool, error) {
	if !r.isTerminal {
		return false, errors.New("nobody was signed out: revoke --all asks for a confirmation, and there is no terminal to ask at; say --yes where it is meant")
	}
	sure, err := r.confirmed("End the sessions of everybody at the gateway of " + terminal.Printable(r.api.address) + "?")
	if err == nil && !sure {
		err = errors.New("nobody was signed out: it was not confirmed by y")
	}
	return sure, err
}

func counted(n int) string {
	if n == 1 {
		return "1 session has"
	}
	return fmt.Sprintf("%d sessions have", n)
}

func count(r *run) error {
	var answer struct {
		Count int       `json:"count"`
		At    time.Time `json:"at"`
	}
	if err := r.api.do(http.MethodGet, "count", nil, &answer, "count"); err != nil {
		return err
	}
	if r.fl.Bool("json") {
		return r.print(answer)
	}
	_, err := fmt.Fprintln(r.out, answer.Count)
	return err
}

// writeOne has a line for each field.
func writeOne(out io.Writer, s session) error {
	for _, line := range [][2]string{
		{"ID", s.ID}, {"User", fmt.Sprint(s.User)}, {"Email", s.Email}, {"Method", s.Method},
		{"Created", moment(s.CreatedAt) + " UTC"}, {"Last seen", moment(s.LastSeenAt) + " UTC"},
		{"Ends", moment(s.ExpiresAt) + " UTC"}, {"Ends if idle", moment(s.IdleExpiresAt) + " UTC"},
		{"Address", s.Address}, {"User agent", s.UserAgent},
	} {
		if _, err := fmt.Fprintf(out, "%-13s %s\n", line[0]+":", cmp.Or(terminal.Printable(line[1]), "-")); err != nil {
			return err
		}
	}
	return nil
}
