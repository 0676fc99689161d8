package explain

import (
	"context"
	"io/fs"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// memory stands for Caddy's storage: what is made while a configuration is loaded,
// such as an authority for local names, is kept here and gone at the end.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

// CaddyModule returns the Caddy module information.
func (*memory) CaddyModule() caddy.ModuleInfo {
	return moduleInfo("caddy.storage", func() caddy.Module { return &memory{kept: make(map[string][]byte)} })
}

// CertMagicStorage is itself.
func (m *memory) CertMagicStorage() (certmagic.Storage, error) { return m, nil }

// Lock needs nothing: nobody else has it.
func (*memory) Lock(context.Context, string) error { return nil }

// Unlock is for Lock.
func (*memory) Unlock(context.Context, string) error { return nil }

// Store keeps the value.
func (m *memory) Store(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[key] = value
	return nil
}

// Load returns it; fs.ErrNotExist for none.
func (m *memory) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.kept[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return value, nil
}

// Delete forgets it.
func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, key)
	return nil
}

// Exists reports whether there is one.
func (m *memory) Exists(ctx context.Context, key string) bool {
	_, err := m.Load(ctx, key)
	return err == nil
}

// List knows none: nothing that answers a request looks through it.
func (*memory) List(context.Context, string, bool) ([]string, error) { return nil, fs.ErrNotExist }

// Stat is of one.
func (m *memory) Stat(ctx context.Context, key string) (info certmagic.KeyInfo, err error) {
	value, err := m.Load(ctx, key)
	return certmagic.KeyInfo{Key: key, Size: int64(len(value)), IsTerminal: true}, err
}
