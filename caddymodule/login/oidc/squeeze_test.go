package oidc_test

import (
	"bytes"
	"compress/flate"
	"runtime"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestWhatIsSqueezedComesBack(t *testing.T) {
	var wait sync.WaitGroup
	for _, text := range []string{"", "/", "/orders?a=1&b=2", strings.Repeat("/%20", 768), "\x00\xff", rands(3072)} {
		for range 4 { // at once: compressors are shared
			wait.Go(func() {
				got, ok := oidc.Unsqueeze(oidc.Squeeze(text), 3072)
				if !ok || got != text {
					t.Errorf("%q comes back as %q", text, got)
				}
			})
		}
	}
	wait.Wait()
}

func rands(n int) (text string) {
	for len(text) < n {
		text += newState()
	}
	return text[:n]
}

// goldenSqueezed was squeezed once: it must be read in every later version.
const goldenSqueezed = "gqlKLChAUQV2Z7E92CFGaoW2qkZGiapGRoAAAAD__w"

func TestWhatAnEarlierBuildSqueezedComesBack(t *testing.T) {
	raw, err := b64.DecodeString(goldenSqueezed)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := oidc.Unsqueeze(raw, 100); !ok || got != "https://app.example.com/orders?page=2&q=%22a%22" {
		t.Errorf("it is %q; now it would be %s", got, b64.EncodeToString(oidc.Squeeze("https://app.example.com/orders?page=2&q=%22a%22")))
	}
}

// A few bytes of somebody's can be gigabytes squeezed.
func TestNoMoreIsUnsqueezedThanIsWanted(t *testing.T) {
	var bomb bytes.Buffer
	w, _ := flate.NewWriter(&bomb, flate.BestCompression)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	text, ok := oidc.Unsqueeze(bomb.Bytes(), 3072)
	runtime.ReadMemStats(&after)
	if written := after.TotalAlloc - before.TotalAlloc; ok || written > 1<<20 {
		t.Errorf("%d bytes came out: %v, and %d were written for it", len(text), ok, written)
	}
	for _, bad := range []string{"", "x", "\xff\xff\xff"} {
		if text, ok := oidc.Unsqueeze([]byte(bad), 3072); ok {
			t.Errorf("%q is %q", bad, text)
		}
	}
}
