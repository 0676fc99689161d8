package users

// SetCompare puts another comparison into the method, so that tests count the
// work and decide when it ends.
func (m *Method) SetCompare(compare func(encoded, password string) (bool, error)) {
	m.compare = func(h hash, password string) (bool, error) { return compare(h.encoded, password) }
}

// Checks is Watch without its clock: each call is one look.
func (f *File) Checks() func() (Change, error) { return newWatcher(f).check }

// DuringRead is one look of Watch, with something happening while the file is
// being read.
func (f *File) DuringRead(happens func()) (Change, error) {
	w := newWatcher(f)
	return f.reload(func() bool {
		happens()
		return lookAt(f.path).same(w.last)
	})
}

// Err says why the file as it is now is not in use: it is broken, or gone. It
// is nil when all is well.
func (f *File) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Reload reads the file again, whatever happens meanwhile.
func (f *File) Reload() (Change, error) { return f.reload(func() bool { return true }) }

// WorkOf names what an encoded hash costs to compare.
func WorkOf(encoded string) string {
	h, err := parseHash(encoded)
	if err != nil {
		return err.Error()
	}
	return h.work.String()
}

// HasNoPassword reports whether the file says that the person has none.
func (e *Entry) HasNoPassword() bool { return e.hash.none }

// Encoded is the person's hash as the file has it.
func (e *Entry) Encoded() string { return e.hash.encoded }
