package wire_test

import (
	"bytes"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"

	"example.com/sidegate/caddymodule/transport/wire"
)

// endless says the same again and again.
type endless struct{ at int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e.at + i)
	}
	e.at += len(p)
	return len(p), nil
}

// What is large goes through as it comes: 32 MiB in both directions at once, and
// a GiB in a long run, in which what it takes of memory is looked at, too.
func TestWhatIsLargeIsNotGathered(t *testing.T) {
	long := os.Getenv("SIDEGATE_LONG") != ""
	size := int64(32 << 20)
	if long {
		size = 1 << 30
	}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	}))
	defer up.Close()
	ours := &wire.Transport{Dial: dial}
	defer ours.CloseIdleConnections()
	for name, length := range map[string]int64{"of known length": size, "in chunks": -1} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		sum, want := crc32.NewIEEE(), crc32.NewIEEE()
		body := io.TeeReader(io.LimitReader(new(endless), size), want)
		resp, err := ours.RoundTrip(newRequest("POST", up.URL, body, length))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(sum, resp.Body)
		if err != nil || n != size || !bytes.Equal(sum.Sum(nil), want.Sum(nil)) {
			t.Errorf("%s: got %d bytes, %v", name, n, err)
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; long && grown > 64<<20 {
			t.Errorf("%s: %d MiB were allocated", name, grown>>20)
		}
	}
}
