// Package crm is a directory of people over HTTP, for tests: it answers
// GET /by-email?e= to whoever has its bearer credential.
package crm

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"

	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/loopback"
)

// Entry is what the directory says of somebody. Its key "email" is added.
type Entry map[string]any

// DemoEntries are what the directory knows of Ada and Grace, by address. Linus
// is not in it.
func DemoEntries() map[string]Entry {
	return map[string]Entry{
		"ada@example.com": {
			"id": 4001, "department": "engineering", "roles": []string{"admin", "on-call"},
			"accounts": []map[string]any{
				{"id": "acme", "name": "Acme Ltd", "admin": true},
				{"id": "globex", "name": "Globex", "admin": false},
			},
			"primary": "globex",
		},
		"grace@example.com": {
			"id": 4002, "department": "sales", "roles": []string{},
			"accounts": []map[string]any{{"id": "acme", "name": "Acme Ltd", "admin": false}},
		},
	}
}

// Config is how a directory begins.
type Config struct {
	// Address is host:port of loopback. Default: a free port.
	Address string
	// Credential is the bearer token to ask with. Required.
	Credential string
	// Entries are by email address.
	Entries map[string]Entry
}

// Directory is a running directory. Its methods may be called at any time.
type Directory struct {
	server     *loopback.Server
	credential [sha256.Size]byte
	// ByEmail is the place for faults. Those of this package beside, fault has
	// Slow, Status, Redirected, Huge, HTML and more.
	ByEmail fault.Point

	mu      sync.Mutex
	entries map[string]Entry
}

// Start runs a directory until Close.
func Start(c Config) (*Directory, error) {
	if c.Credential == "" {
		return nil, fmt.Errorf("starting the directory: a credential is required")
	}
	server, err := loopback.Listen(c.Address)
	if err != nil {
		return nil, fmt.Errorf("starting the directory: %w", err)
	}
	d := &Directory{server: server, credential: sha256.Sum256([]byte("Bearer " + c.Credential)), entries: maps.Clone(c.Entries)}
	if d.entries == nil {
		d.entries = make(map[string]Entry)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /by-email", d.ByEmail.Around(http.HandlerFunc(d.byEmail)))
	server.Serve(mux)
	return d, nil
}

// URL asks for the person of that address, or of a template for one such as
// {identity.email}. It is put in as it is.
func (d *Directory) URL(email string) string { return d.server.URL() + "/by-email?e=" + email }

// Down cuts all connections and refuses further ones.
func (d *Directory) Down() { d.server.Down() }

// Up undoes Down, at the same port.
func (d *Directory) Up() error { return d.server.Up() }

// Close ends the directory.
func (d *Directory) Close() { d.server.Close() }

// SetEntry says from now on that of the person.
func (d *Directory) SetEntry(email string, e Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries[email] = e
}

// RemoveEntry forgets the person: 404.
func (d *Directory) RemoveEntry(email string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.entries, email)
}

// WrongPerson is a fault that answers with another person's address.
func WrongPerson(email string) fault.Fault {
	return fault.JSON(func(entry map[string]any) { entry["email"] = email })
}

func (d *Directory) byEmail(w http.ResponseWriter, r *http.Request) {
	presented := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	if subtle.ConstantTimeCompare(presented[:], d.credential[:]) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "who asks?", http.StatusUnauthorized)
		return
	}
	email := r.URL.Query().Get("e")
	d.mu.Lock()
	entry, known := d.entries[email]
	entry = maps.Clone(entry)
	d.mu.Unlock()
	if !known {
		http.Error(w, "nobody of that address", http.StatusNotFound)
		return
	}
	if entry == nil {
		entry = make(Entry)
	}
	entry["email"] = email
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(entry) // the client may be gone
}
