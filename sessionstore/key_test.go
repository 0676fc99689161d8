package sessionstore_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
)

func TestParseSecret(t *testing.T) {
	good := sessionstore.NewSecret(1).Encode()
	t.Run("a secret reads back as it was written, in 46 characters", func(t *testing.T) {
		s := sessionstore.NewSecret(7)
		got, err := sessionstore.ParseSecret(s.Encode())
		if err != nil || got != s || len(s.Encode()) != 46 {
			t.Fatalf("read back %v, %v of %d characters", got == s, err, len(s.Encode()))
		}
	})
	for name, text := range map[string]string{
		"an empty text":                     "",
		"a text one character short":        good[:45],
		"a text one character long":         good + "A",
		"a text with trailing bits":         good[:45] + "B",
		"a text with padding":               good[:44] + "==",
		"padding beyond the length":         good + "==",
		"standard base64":                   good[:20] + "+/" + good[22:],
		"a line feed in the midst":          good[:20] + "\n" + good[21:],
		"a carriage return in the midst":    good[:20] + "\r" + good[21:],
		"a line feed at the end":            good[:45] + "\n",
		"a line feed beyond the length":     good + "\n",
		"a NUL":                             good[:20] + "\x00" + good[21:],
		"a space":                           " " + good[1:],
		"46 bytes of another alphabet":      strings.Repeat("é", 23),
		"a text of a length beyond all use": strings.Repeat("A", 1<<20),
	} {
		t.Run(name+" is no secret and no key", func(t *testing.T) {
			_, secretErr := sessionstore.ParseSecret(text)
			_, keyErr := sessionstore.ParseKey(text)
			for _, err := range []error{secretErr, keyErr} {
				if !errors.Is(err, sessionstore.ErrMalformed) {
					t.Errorf("error is %v; want ErrMalformed", err)
				}
			}
		})
	}
}

// TestSecretIsNeverPrinted: a secret signs in whoever reads it in a log.
func TestSecretIsNeverPrinted(t *testing.T) {
	s := sessionstore.NewSecret(1)
	inside := struct {
		S sessionstore.Secret
		P *sessionstore.Secret
	}{s, &s}
	spellings := []string{
		s.Encode()[:8], hex.EncodeToString(s[:])[:12], strings.ToUpper(hex.EncodeToString(s[:]))[:12],
		strings.Trim(fmt.Sprint(s[:4]), "[]"),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%T|%v"} {
		for _, value := range []any{s, &s, inside, &inside, []sessionstore.Secret{s}, map[string]sessionstore.Secret{"s": s}} {
			args := []any{value}
			if strings.HasPrefix(verb, "%T") {
				args = []any{value, value}
			}
			out := fmt.Sprintf(verb, args...)
			for _, spelling := range spellings {
				if strings.Contains(out, spelling) {
					t.Errorf("%s of %T prints the secret", verb, value)
				}
			}
		}
	}
	for name, out := range map[string]string{"String": s.String(), "GoString": s.GoString()} {
		if out != "[secret]" {
			t.Errorf("%s answers %q", name, out)
		}
	}
}

func TestKey(t *testing.T) {
	secret := sessionstore.NewSecret(42)
	key := secret.Key()
	t.Run("a key reads back as it was written", func(t *testing.T) {
		if got, err := sessionstore.ParseKey(key.Encode()); err != nil || got != key {
			t.Errorf("text: %v, %v", got == key, err)
		}
		if got, err := sessionstore.KeyFromBytes(key.AppendTo(nil)); err != nil || got != key {
			t.Errorf("bytes: %v, %v", got == key, err)
		}
	})
	t.Run("a key has exactly 34 bytes", func(t *testing.T) {
		for _, size := range []int{0, 33, 35} {
			if _, err := sessionstore.KeyFromBytes(make([]byte, size)); !errors.Is(err, sessionstore.ErrMalformed) {
				t.Errorf("%d bytes: error is %v; want ErrMalformed", size, err)
			}
		}
	})
	t.Run("a key lies in the shard of its person", func(t *testing.T) {
		if key.Shard != sessionstore.ShardOf(42) {
			t.Errorf("shard is %d; want %d", key.Shard, sessionstore.ShardOf(42))
		}
	})
	t.Run("a key does not give its secret away", func(t *testing.T) {
		if strings.Contains(string(key.AppendTo(nil)), string(secret[2:])) {
			t.Error("the key holds the secret")
		}
	})
	t.Run("two sign-ins of one person never share a secret, a key or a public id", func(t *testing.T) {
		other := sessionstore.NewSecret(42)
		if other == secret || other.Key() == key || other.Key().ID() == key.ID() {
			t.Error("they share it")
		}
	})
	t.Run("the public id has 16 characters", func(t *testing.T) {
		if id := key.ID(); len(id) != 16 {
			t.Errorf("id is %q", id)
		}
	})
}

func TestShardOf(t *testing.T) {
	t.Run("neighbouring people spread evenly", func(t *testing.T) {
		const people, groups = 1 << 16, 16
		var count [groups]int
		for id := int64(1); id <= people; id++ {
			count[sessionstore.ShardOf(id)%groups]++
		}
		for group, n := range count {
			if want := people / groups; n < want*9/10 || n > want*11/10 {
				t.Errorf("group %d holds %d people; want about %d", group, n, want)
			}
		}
	})
	t.Run("the shard of a person never changes, for it is in every cookie", func(t *testing.T) {
		for id, want := range map[int64]uint16{0: 0xcdaf, 1: 0x5cc1, 1<<53 - 1: 0x559f} {
			if got := sessionstore.ShardOf(id); got != want {
				t.Errorf("shard of %d is %#x; want %#x", id, got, want)
			}
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	good := sessionstore.NewSecret(1).Encode()
	for _, seed := range []string{good, "", good[:45] + "B", good[:45] + "\n", good + "=", strings.Repeat("A", 46), strings.Repeat("_", 46)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sessionstore.ParseSecret(text)
		if err == nil && s.Encode() != text {
			t.Errorf("%q is read as the secret that is written %q", text, s.Encode())
		}
		if err != nil && (!errors.Is(err, sessionstore.ErrMalformed) || len(text) > 8 && strings.Contains(err.Error(), text)) {
			t.Errorf("error is %v; want ErrMalformed without the text", err)
		}
	})
}

func TestParseIDReadsWhatIDWrites(t *testing.T) {
	key := sessionstore.NewSecret(1).Key()
	id, err := sessionstore.ParseID(key.ID())
	if err != nil || !bytes.HasPrefix(key.Hash[:], id) || len(id) != 12 {
		t.Errorf("ParseID answers %x, %v of a key of %x", id, err, key.Hash)
	}
	for _, text := range []string{"", key.ID()[:15], key.ID() + "A", key.ID()[:15] + "*", key.ID()[:14] + "\r\n", key.Encode()} {
		if _, err := sessionstore.ParseID(text); !errors.Is(err, sessionstore.ErrMalformed) {
			t.Errorf("ParseID answers %v of %q; want ErrMalformed", err, text)
		}
	}
}
