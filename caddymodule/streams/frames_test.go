package streams

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// frame is one of a websocket, masked where it is a client's.
func frame(op byte, masked bool, payload []byte) []byte {
	b := []byte{0x80 | op}
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
	}
	if masked {
		b = append(b, 1, 2, 3, 4)
	}
	return append(b, payload...)
}

func TestFramesAreFollowedHoweverTheyAreCut(t *testing.T) {
	for name, payload := range map[string][]byte{
		"an empty one":            {},
		"one of a byte":           {1},
		"the largest short one":   bytes.Repeat([]byte{7}, 125),
		"the smallest middle one": bytes.Repeat([]byte{7}, 126),
		"the largest middle one":  bytes.Repeat([]byte{7}, 1<<16-1),
		"the smallest long one":   bytes.Repeat([]byte{7}, 1<<16),
	} {
		for _, masked := range []bool{false, true} {
			all := frame(1, masked, payload)
			for _, size := range []int{1, 2, 3, 7, 4096, len(all)} {
				var f frames
				for rest := all; len(rest) > 0; {
					n := min(size, len(rest))
					f.follow(rest[:n])
					rest = rest[n:]
					if got, want := f.between(), len(rest) == 0; got != want {
						t.Fatalf("%s (masked %t) in parts of %d: with %d bytes to come a frame may begin: %t", name, masked, size, len(rest), got)
					}
				}
			}
		}
	}
}

func TestRestIsWhatEndsAFrame(t *testing.T) {
	for _, masked := range []bool{false, true} {
		for _, size := range []int{0, 1, 125, 126, 70000} {
			all := frame(2, masked, make([]byte, size))
			var f frames
			f.follow(all[:1])
			sent := 1
			for f.rest() > 0 {
				n := int(f.rest())
				if sent+n > len(all) {
					t.Fatalf("%d bytes (masked %t): %d are said to be missing of %d", size, masked, n, len(all)-sent)
				}
				f.follow(all[sent : sent+n])
				sent += n
			}
			if sent != len(all) {
				t.Errorf("%d bytes (masked %t): the frame ends behind %d of %d", size, masked, sent, len(all))
			}
		}
	}
}

func TestOnlyDataFramesAreData(t *testing.T) {
	for op, data := range map[byte]bool{0: true, 1: true, 2: true, 8: false, 9: false, 10: false} {
		var f frames
		if got := f.follow(frame(op, true, []byte("hello"))); got != data {
			t.Errorf("a frame of kind %d is data: %t", op, got)
		}
	}
	var f frames
	if !f.follow(append(frame(9, true, nil), frame(1, true, []byte("typed"))...)) {
		t.Error("data behind a ping is not seen")
	}
	if f.follow(frame(10, true, bytes.Repeat([]byte{1}, 100))) {
		t.Error("what a pong carries is taken for data")
	}
}

func TestGoodbyeIsACloseFrameOfPolicyViolation(t *testing.T) {
	want := append([]byte{0x88, 2 + 13, 0x03, 0xf0}, "session ended"...)
	if !bytes.Equal(goodbye, want) {
		t.Errorf("the frame is %x, want %x", goodbye, want)
	}
	var f frames
	if f.follow(goodbye); !f.between() {
		t.Error("it is no whole frame")
	}
}
