package legacy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/legacy"
)

func start(t *testing.T, c legacy.Config) *legacy.App {
	t.Helper()
	c.Users = legacy.DemoUsers()
	a, err := legacy.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// login asks for credentials and returns what came.
func login(t *testing.T, a *legacy.App, kind, body string) (status int, answer map[string]any, cookies []*http.Cookie) {
	t.Helper()
	resp, err := http.Post(a.URL()+"/api/login", kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(b, &answer) // faults answer no JSON
	return resp.StatusCode, answer, resp.Cookies()
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
	ada    = `{"email":"ada@example.com","password":"legacy-demo"}`
)

func TestLogin(t *testing.T) {
	t.Parallel()
	a := start(t, legacy.Config{})
	form := url.Values{"username": {"ada@example.com"}, "password": {legacy.DemoPassword}}.Encode()
	for _, c := range []struct {
		name, kind, body string
		want             int
	}{
		{"as JSON", asJSON + "; charset=utf-8", ada, 200},
		{"as a form", asForm, form, 200},
		{"with a wrong password", asJSON, `{"email":"ada@example.com","password":"x"}`, 401},
		{"of a stranger", asJSON, `{"email":"x@example.com","password":""}`, 422},
		{"of a stranger with a password", asJSON, `{"email":"x@example.com","password":"x"}`, 401},
		{"of somebody who is not active", asJSON, `{"email":"linus@example.com","password":"legacy-demo"}`, 401},
		{"without a password", asForm, "username=ada@example.com", 422},
		{"that is no JSON", asJSON, "x", 400},
		{"of another kind", "text/plain", ada, 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer, cookies := login(t, a, c.kind, c.body)
			if status != c.want {
				t.Errorf("%d %v, want %d", status, answer, c.want)
			}
			if (status == 200) != (len(cookies) == 2 && answer["success"] == "Y" && answer["token"] != "") {
				t.Errorf("%v %v", answer, cookies)
			}
		})
	}
	t.Run("refused with 200, the body tells", func(t *testing.T) {
		b := start(t, legacy.Config{RefuseWith: 200})
		if status, answer, cookies := login(t, b, asJSON, `{"email":"ada@example.com","password":"x"}`); status != 200 || answer["success"] != "N" || len(cookies) != 0 {
			t.Errorf("%d %v", status, answer)
		}
	})
	t.Run("the user is as the table has them", func(t *testing.T) {
		_, answer, _ := login(t, a, asJSON, ada)
		u, _ := answer["user"].(map[string]any)
		for name, want := range map[string]any{
			"user_id": "ADA01", "is_admin": "Y", "roles": "admin, editor", "created_at": "2019-03-04 05:06:07", "company": "GLOBEX",
		} {
			if u[name] != want {
				t.Errorf("%s is %v, want %v", name, u[name], want)
			}
		}
		if _, told := u["Password"]; told || strings.Contains(toJSON(t, answer), legacy.DemoPassword) {
			t.Error("the password is told")
		}
	})
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFaultsOfTheLogin(t *testing.T) {
	t.Parallel()
	a := start(t, legacy.Config{})
	for _, status := range []int{401, 422, 500} {
		a.Login.Break(fault.Times(1, fault.Status(status)))
		if got, _, _ := login(t, a, asJSON, ada); got != status {
			t.Errorf("%d, want %d", got, status)
		}
	}
	if got, _, _ := login(t, a, asJSON, ada); got != 200 || a.Login.Count() != 4 {
		t.Errorf("%d, %d requests", got, a.Login.Count())
	}
}

func open(t *testing.T, a *legacy.App, path string, header http.Header) (int, legacy.Page) {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, a.URL()+path, nil)
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p legacy.Page
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, p
}

func TestPages(t *testing.T) {
	t.Parallel()
	a := start(t, legacy.Config{})
	_, answer, cookies := login(t, a, asJSON, ada)
	token := "Bearer " + answer["token"].(string)
	cookie := cookies[0].Name + "=" + cookies[0].Value
	none := "Bearer eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSIsImV4cCI6OTk5OTk5OTk5OX0."
	for _, c := range []struct {
		name, path, token, cookie string
		status                    int
		by                        string
	}{
		{"open to the token", "/orders", token, "", 200, "token"},
		{"open to the cookie", "/orders", "", cookie, 200, "cookie"},
		{"open to the token beside the cookie", "/orders", token, cookie, 200, "token"},
		{"are shut to a wrong token, even beside a good cookie", "/orders", token + "x", cookie, 401, ""},
		{"are shut to a token that is not signed", "/orders", none, "", 401, ""},
		{"are shut to another cookie", "/orders", "", legacy.CookieName + "=x", 401, ""},
		{"are shut to nobody", "/orders", "", "", 401, ""},
		{"are open to nobody where they are public", legacy.PublicPath, "", "", 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{"X-Session-Email": {"ada@example.com"}}
			if c.token != "" {
				h.Set("Authorization", c.token)
			}
			if c.cookie != "" {
				h.Set("Cookie", c.cookie)
			}
			status, p := open(t, a, c.path, h)
			if status != c.status || p.By != c.by || (p.User != "") != (c.by != "") {
				t.Errorf("%d %+v", status, p)
			}
			if p.Path != c.path || p.Header.Get("X-Session-Email") != "ada@example.com" {
				t.Errorf("it echoes %+v", p.Seen)
			}
		})
	}
	t.Run("shut when the app has forgotten its sessions, but not to tokens", func(t *testing.T) {
		a.EndSessions()
		if status, _ := open(t, a, "/", http.Header{"Cookie": {cookie}}); status != 401 {
			t.Errorf("cookie: %d", status)
		}
		if status, _ := open(t, a, "/", http.Header{"Authorization": {token}}); status != 200 {
			t.Errorf("token: %d", status)
		}
	})
	t.Run("shut when the user is gone", func(t *testing.T) {
		a.RemoveUser("ada@example.com")
		if status, _ := open(t, a, "/", http.Header{"Authorization": {token}}); status != 401 {
			t.Errorf("%d", status)
		}
	})
	t.Run("what came is remembered", func(t *testing.T) {
		seen := a.Requests()
		if first := seen[0]; first.Method != http.MethodPost || first.Path != "/api/login" || len(seen) != 12 {
			t.Errorf("%d requests, first %+v", len(seen), first)
		}
	})
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	a := start(t, legacy.Config{})
	a.Down()
	if _, err := http.Get(a.URL()); err == nil {
		t.Error("it answers while it is down")
	}
	if err := a.Up(); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := login(t, a, asJSON, ada); got != 200 {
		t.Errorf("%d", got)
	}
}
