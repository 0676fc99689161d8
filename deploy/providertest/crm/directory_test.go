package crm_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"example.com/sidegate/deploy/providertest/crm"
	"example.com/sidegate/deploy/providertest/fault"
)

const credential = "crm-credential"

func start(t *testing.T) *crm.Directory {
	t.Helper()
	d, err := crm.Start(crm.Config{Credential: credential, Entries: crm.DemoEntries()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func ask(t *testing.T, d *crm.Directory, email, authorization string) (int, map[string]any) {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, d.URL(email), nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var entry map[string]any
	_ = json.Unmarshal(body, &entry) // refusals are no JSON
	return resp.StatusCode, entry
}

func TestAsking(t *testing.T) {
	t.Parallel()
	d := start(t)
	good := "Bearer " + credential
	d.SetEntry("plus+sign@example.com", nil)
	for _, c := range []struct {
		name, email, authorization string
		want                       int
		who                        any
	}{
		{"tells about Ada", "ada@example.com", good, 200, "ada@example.com"},
		{"takes an address that is escaped", "plus%2Bsign%40example.com", good, 200, "plus+sign@example.com"},
		{"does not know Linus", "linus@example.com", good, 404, nil},
		{"does not know nobody", "", good, 404, nil},
		{"wants a credential", "ada@example.com", "", 401, nil},
		{"wants the right credential", "ada@example.com", good + "x", 401, nil},
		{"wants it as a bearer", "ada@example.com", "Basic " + credential, 401, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, entry := ask(t, d, c.email, c.authorization); status != c.want || entry["email"] != c.who {
				t.Errorf("%d %v", status, entry)
			}
		})
	}
	t.Run("forgets", func(t *testing.T) {
		d.RemoveEntry("ada@example.com")
		if status, _ := ask(t, d, "ada@example.com", good); status != 404 {
			t.Errorf("%d", status)
		}
	})
	if d.ByEmail.Count() != 8 {
		t.Errorf("%d requests", d.ByEmail.Count())
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	d := start(t)
	for _, c := range []struct {
		name  string
		fault fault.Fault
		want  int
		who   any
	}{
		{"unavailable", fault.Status(503), 503, nil},
		{"somebody else", crm.WrongPerson("grace@example.com"), 200, "grace@example.com"},
		{"elsewhere", fault.Redirected("http://127.0.0.1:1/"), 302, nil},
		{"a page", fault.HTML(), 200, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.ByEmail.Break(fault.Times(1, c.fault))
			if status, entry := ask(t, d, "ada@example.com", "Bearer "+credential); status != c.want || entry["email"] != c.who {
				t.Errorf("%d %v", status, entry)
			}
			if status, _ := ask(t, d, "ada@example.com", "Bearer "+credential); status != 200 {
				t.Errorf("mended: %d", status)
			}
		})
	}
}

func TestADirectoryNeedsACredential(t *testing.T) {
	if d, err := crm.Start(crm.Config{}); err == nil {
		d.Close()
		t.Error("it started without")
	}
}
