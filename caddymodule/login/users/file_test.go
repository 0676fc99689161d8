package users_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/users"
)

var (
	adaAlone    = list(person(1, "ada@example.com"))
	adaAndGrace = list(person(1, "ada@example.com"), person(2, "grace@example.com"))
	broken      = list(person(1, "ada"))
)

// folder is where a test edits its users file, as operators do.
type folder struct {
	*testing.T
	path string
}

func newFolder(t *testing.T, text string) folder {
	d := folder{t, filepath.Join(t.TempDir(), "users.yaml")}
	d.write(text)
	return d
}

func (d folder) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// write edits the file in place.
func (d folder) write(text string) {
	d.Helper()
	d.must(os.WriteFile(d.path, []byte(text), 0o600))
}

// replace renames a new file over the old one, as most editors do.
func (d folder) replace(text string) {
	d.Helper()
	d.must(os.WriteFile(d.path+"~", []byte(text), 0o600))
	d.must(os.Rename(d.path+"~", d.path))
}

func (d folder) open() *users.File {
	d.Helper()
	f, err := users.OpenFile(d.path, nil)
	d.must(err)
	return f
}

// reload must find that change and no error.
func (d folder) reload(f *users.File, want users.Change) {
	d.Helper()
	got, err := f.Reload()
	if err != nil || !reflect.DeepEqual(got, want) {
		d.Fatalf("change %+v, error %v; want %+v", got, err, want)
	}
}

// keeps checks that Ada alone can still sign in.
func (d folder) keeps(f *users.File) {
	d.Helper()
	if _, ok := f.People().ByName("ada@example.com"); !ok || f.People().Len() != 1 {
		d.Errorf("the last good people are lost: %d", f.People().Len())
	}
}

func TestOpenFile(t *testing.T) {
	t.Run("a file that is missing is told by its path", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "users.yaml")
		if _, err := users.OpenFile(path, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Error(err)
		}
	})
	t.Run("a broken file is told by path and line", func(t *testing.T) {
		d := newFolder(t, broken)
		_, err := users.OpenFile(d.path, nil)
		want := d.path + ": users file line 2: person 1: email must be an address like ada@example.com"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
	t.Run("a folder is no file", func(t *testing.T) {
		if _, err := users.OpenFile(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "is a folder: name a file in it") {
			t.Error(err)
		}
	})
	t.Run("a named pipe is refused and not waited for", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "users.yaml")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := users.OpenFile(path, nil); err == nil || !strings.Contains(err.Error(), "is no plain file: name one that is") {
			t.Error(err)
		}
	})
	t.Run("no more is read than allowed", func(t *testing.T) {
		d := newFolder(t, adaAlone)
		d.must(os.Truncate(d.path, 1<<40)) // sparse: reading it all would never end
		if _, err := users.OpenFile(d.path, nil); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
			t.Error(err)
		}
	})
}

func TestReload(t *testing.T) {
	graceComes := users.Change{Added: []int64{2}}
	for name, test := range map[string]func(d folder, f *users.File){
		"a file that did not change changes nothing": func(d folder, f *users.File) {
			for range 3 {
				d.reload(f, users.Change{})
			}
			d.keeps(f)
		},
		"an edit in place is seen": func(d folder, f *users.File) {
			d.write(adaAndGrace)
			d.reload(f, graceComes)
			if f.People().Len() != 2 {
				d.Error("the new people are not in use")
			}
			d.reload(f, users.Change{})
		},
		"a file renamed over the old one is seen": func(d folder, f *users.File) {
			d.replace(adaAndGrace)
			d.reload(f, graceComes)
		},
		"an edit within one tick of the clock is seen": func(d folder, f *users.File) {
			info, err := os.Stat(d.path)
			d.must(err)
			d.write(strings.Replace(adaAlone, "id: 1", "id: 5", 1)) // of the same size
			d.must(os.Chtimes(d.path, info.ModTime(), info.ModTime()))
			d.reload(f, users.Change{Removed: []int64{1}, Added: []int64{5}})
		},
		"a file that was only touched changes nothing": func(d folder, f *users.File) {
			d.reload(f, users.Change{})
			d.must(os.Chtimes(d.path, time.Now(), time.Now().Add(time.Hour)))
			d.reload(f, users.Change{})
			d.replace(adaAlone)
			d.reload(f, users.Change{})
			d.write(adaAndGrace)
			d.reload(f, graceComes)
		},
		"a broken edit is told once, and the last good people stay": func(d folder, f *users.File) {
			d.write(broken)
			_, err := f.Reload()
			want := d.path + ": the people read before stay in use: users file line 2: person 1: email must be an address like ada@example.com"
			if err == nil || err.Error() != want {
				d.Fatalf("error %v, want %s", err, want)
			}
			for range 3 {
				d.reload(f, users.Change{})
			}
			d.replace(broken)
			d.reload(f, users.Change{})
			d.keeps(f)
			if f.Err() == nil || f.Err().Error() != want {
				d.Errorf("the state is %v", f.Err())
			}
		},
		"another broken edit is told again": func(d folder, f *users.File) {
			for _, text := range []string{broken, "# " + broken, broken} {
				d.write(text)
				if _, err := f.Reload(); err == nil {
					d.Errorf("%q was not told", text)
				}
			}
			d.keeps(f)
		},
		"a broken edit that is taken back is well": func(d folder, f *users.File) {
			d.write(broken)
			if _, err := f.Reload(); err == nil {
				d.Fatal("was read")
			}
			d.write(adaAlone)
			d.reload(f, users.Change{Mended: true})
			if f.Err() != nil {
				d.Errorf("the state is %v", f.Err())
			}
		},
		"a broken edit that is mended differs from the last good one": func(d folder, f *users.File) {
			d.write(broken)
			if _, err := f.Reload(); err == nil {
				d.Fatal("was read")
			}
			d.write(adaAndGrace)
			d.reload(f, users.Change{Added: graceComes.Added, Mended: true})
			if f.Err() != nil {
				d.Errorf("the state is %v", f.Err())
			}
		},
		"an emptied file signs nobody out": func(d folder, f *users.File) {
			d.write("")
			if _, err := f.Reload(); err == nil {
				d.Error("was read")
			}
			d.keeps(f)
		},
		"a file that grew too large signs nobody out": func(d folder, f *users.File) {
			d.must(os.Truncate(d.path, 1<<40))
			if _, err := f.Reload(); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
				d.Errorf("error %v", err)
			}
			d.keeps(f)
		},
		"a file that vanishes is told once and signs nobody out": func(d folder, f *users.File) {
			d.must(os.Remove(d.path))
			if _, err := f.Reload(); !errors.Is(err, fs.ErrNotExist) || !errors.Is(f.Err(), fs.ErrNotExist) {
				d.Errorf("error %v, state %v", err, f.Err())
			}
			d.reload(f, users.Change{})
			d.keeps(f)
		},
		"a file that comes back as it was is well": func(d folder, f *users.File) {
			d.reload(f, users.Change{})
			d.must(os.Rename(d.path, d.path+"~"))
			if _, err := f.Reload(); err == nil {
				d.Error("the loss was not told")
			}
			d.must(os.Rename(d.path+"~", d.path))
			d.reload(f, users.Change{Mended: true})
			if f.Err() != nil {
				d.Errorf("the state is %v", f.Err())
			}
			d.keeps(f)
		},
		"a file that comes back with an edit is seen": func(d folder, f *users.File) {
			d.must(os.Remove(d.path))
			_, _ = f.Reload()
			d.write(adaAndGrace)
			d.reload(f, users.Change{Added: graceComes.Added, Mended: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFolder(t, adaAlone)
			test(d, d.open())
		})
	}
}

func TestReloadFollowsTheLinksOfAConfigMap(t *testing.T) {
	// users.yaml -> ..data/users.yaml, ..data -> ..1: the kubelet swaps ..data.
	root := t.TempDir()
	d := folder{t, filepath.Join(root, "users.yaml")}
	for i, text := range []string{adaAlone, adaAndGrace} {
		version := filepath.Join(root, fmt.Sprintf("..%d", i))
		d.must(os.Mkdir(version, 0o700))
		d.must(os.WriteFile(filepath.Join(version, "users.yaml"), []byte(text), 0o600))
	}
	d.must(os.Symlink("..0", filepath.Join(root, "..data")))
	d.must(os.Symlink(filepath.Join("..data", "users.yaml"), d.path))
	f := d.open()
	d.reload(f, users.Change{})

	d.must(os.Symlink("..1", filepath.Join(root, "..data_tmp")))
	d.must(os.Rename(filepath.Join(root, "..data_tmp"), filepath.Join(root, "..data")))
	d.reload(f, users.Change{Added: []int64{2}})
}

func TestPeopleAreReadWhileTheFileIsReloaded(t *testing.T) {
	d := newFolder(t, adaAlone)
	f := d.open()
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, ok := f.People().ByID(1); !ok {
					t.Error("somebody who is in every version was not found")
					return
				}
				_ = f.Err()
			}
		})
	}
	for i := range 40 {
		d.replace([]string{adaAndGrace, broken, adaAlone}[i%3])
		_, err := f.Reload()
		if (err != nil) != (i%3 == 1) {
			t.Errorf("reload %d: %v", i, err)
		}
	}
	close(done)
	readers.Wait()
}
