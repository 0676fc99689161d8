package users_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/users"
)

// watched is a file under watch whose looks the test takes.
type watched struct {
	folder
	file    *users.File
	check   func() (users.Change, error)
	changes []users.Change
	errs    []error
}

// look lets the watcher look n times.
func (w *watched) look(n int) {
	for range n {
		if c, err := w.check(); err != nil {
			w.errs = append(w.errs, err)
		} else if c.Any() || c.Mended {
			w.changes = append(w.changes, c)
		}
	}
}

// saw checks what was called back.
func (w *watched) saw(errs int, changes ...users.Change) {
	w.Helper()
	if !reflect.DeepEqual(w.changes, changes) || len(w.errs) != errs {
		w.Errorf("changes %+v, errors %v", w.changes, w.errs)
	}
}

func TestWatch(t *testing.T) {
	graceComes := users.Change{Added: []int64{2}}
	for name, test := range map[string]func(w *watched){
		"an edit is called back once": func(w *watched) {
			w.write(adaAndGrace)
			w.look(5)
			w.saw(0, graceComes)
		},
		"an edit waits until it has kept still": func(w *watched) {
			w.write(adaAndGrace)
			w.look(1)
			w.saw(0)
			w.look(1)
			w.saw(0, graceComes)
		},
		"each edit is called back": func(w *watched) {
			w.replace(adaAndGrace)
			w.look(3)
			w.replace(adaAlone)
			w.look(3)
			w.saw(0, graceComes, users.Change{Removed: []int64{2}})
		},
		"a broken edit is called back once": func(w *watched) {
			w.write(broken)
			w.look(5)
			w.saw(1)
			w.keeps(w.file)
		},
		"a broken edit that is undone is called back as mended": func(w *watched) {
			w.write(broken)
			w.look(3)
			w.write(adaAlone)
			w.look(5)
			w.saw(1, users.Change{Mended: true})
		},
		"a broken edit that is mended is called back once, with what it changes": func(w *watched) {
			w.write(broken)
			w.look(3)
			w.write(adaAndGrace)
			w.look(5)
			w.saw(1, users.Change{Added: []int64{2}, Mended: true})
		},
		"a file that was away and is back is called back as mended": func(w *watched) {
			w.must(os.Rename(w.path, w.path+"~"))
			w.look(5)
			w.must(os.Rename(w.path+"~", w.path))
			w.look(5)
			w.saw(1, users.Change{Mended: true})
		},
		"a file that is still being copied signs nobody out": func(w *watched) {
			w.replace(adaAndGrace)
			w.look(3)
			for end := len(adaAlone); end < len(adaAndGrace); end += 7 {
				w.write(adaAndGrace[:end]) // the first is a good file without Grace
				w.look(1)
			}
			w.write(adaAndGrace)
			w.look(3)
			w.saw(0, graceComes)
		},
		"a file that is gone for a moment is not even told": func(w *watched) {
			w.must(os.Rename(w.path, w.path+"~"))
			w.look(1)
			w.must(os.Rename(w.path+"~", w.path))
			w.look(3)
			w.saw(0)
		},
		"a file that stays away is told once": func(w *watched) {
			w.must(os.Remove(w.path))
			w.look(5)
			w.saw(1)
			if !errors.Is(w.errs[0], fs.ErrNotExist) {
				w.Errorf("error %v", w.errs[0])
			}
			w.keeps(w.file)
		},
		"what changes while it is read is not taken": func(w *watched) {
			w.write("users: []")
			if c, err := w.file.DuringRead(func() { w.write(adaAndGrace) }); c.Any() || err != nil {
				w.Errorf("change %+v, error %v", c, err)
			}
			w.look(2)
			w.saw(0, graceComes)
		},
		"a failure that has passed when it is looked at again is not told": func(w *watched) {
			w.write(broken)
			if c, err := w.file.DuringRead(func() { w.must(os.Remove(w.path)) }); c.Any() || err != nil {
				w.Errorf("change %+v, error %v", c, err)
			}
			w.keeps(w.file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFolder(t, adaAlone)
			f := d.open()
			w := &watched{folder: d, file: f, check: f.Checks()}
			w.look(2)
			w.saw(0)
			test(w)
		})
	}
}

func TestWatchRunsUntilItsContextEnds(t *testing.T) {
	d := newFolder(t, adaAlone)
	f := d.open()
	d.replace(adaAndGrace)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var got users.Change
	f.Watch(ctx, time.Millisecond, func(c users.Change, err error) {
		if err != nil {
			t.Error(err)
		}
		got = c
		stop()
	})
	if want := (users.Change{Added: []int64{2}}); !reflect.DeepEqual(got, want) {
		t.Errorf("change %+v", got)
	}
}
