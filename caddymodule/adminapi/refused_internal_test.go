package adminapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// noRight is what a store says that has answered.
type noRight struct{ remedy string }

func (noRight) Error() string { return "looking for names: NOPERM" }

func (n noRight) Refused() (what, remedy string, ok bool) { return n.Error(), n.remedy, true }

// refusing is a store that answers everything so.
type refusing struct {
	*shelf
	err error
}

func (s refusing) WalkAll(context.Context, func([]sessionstore.Found) error) error { return s.err }

func (s refusing) WalkUser(context.Context, int64, func([]sessionstore.Found) error) error {
	return s.err
}

func (s refusing) FindID(context.Context, string) (sessionstore.Found, bool, error) {
	return sessionstore.Found{}, false, s.err
}

func (s refusing) Count(context.Context) (int, error) { return 0, s.err }

// Who has to give the store a right waits in vain for it to answer.
func TestWhereTheStoreRefusesTheRemedyComesFirst(t *testing.T) {
	for remedy, begins := range map[string]string{"ACL SETUSER <user> +scan": "ACL SETUSER <user> +scan (", "": "See what the session store's own log says ("} {
		err := fmt.Errorf("a walk: %w", noRight{remedy})
		a := newAsking(t, refusing{newShelf(), err}, time.Now)
		a.desk.Ready = func(context.Context) error { return err }
		for _, asked := range []string{
			"GET sessions?user=1", "GET sessions?all=true", "GET sessions?email=ada@example.com", "GET sessions?login=users", "GET sessions/AAAAAAAAAAAAAAAA",
			"GET sessions/AAAAAAAAAAAAAAAA?user=1", "DELETE sessions?user=1", "DELETE sessions?all=true", "DELETE sessions?login=users", "DELETE sessions/AAAAAAAAAAAAAAAA",
			"DELETE sessions/AAAAAAAAAAAAAAAA?user=1", "GET count", "GET ready",
		} {
			method, path, _ := strings.Cut(asked, " ")
			code, body := a.ask(t.Context(), method, "/sidegate/"+path)
			if code != http.StatusServiceUnavailable || !strings.HasPrefix(body, begins) || !strings.Contains(body, "NOPERM") {
				t.Errorf("%s: %d %s", asked, code, body)
			}
			if strings.Contains(body, "no answer") || strings.Contains(body, "nothing can be told") || strings.Contains(body, "answers 200") {
				t.Errorf("%s: a store that has answered is said not to have: %s", asked, body)
			}
			if strings.HasPrefix(path, "sessions?") && method == http.MethodDelete && !strings.Contains(body, "none of the sessions has ended") {
				t.Errorf("%s: %s", asked, body)
			}
		}
	}
}
