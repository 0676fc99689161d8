package streams

import "encoding/binary"

// frames follows the frames of one direction of a websocket (RFC 6455, section
// 5.2), to know where one ends and which kinds come. It looks at their headers and
// at nothing that they carry.
type frames struct {
	header [14]byte
	have   int    // bytes of the header that were read
	left   uint64 // bytes of what it carries that are yet to come
}

// opContinuation, opText and opBinary are the data frames.
const lastDataOp = 2

// follow reads on, and reports whether a data frame began in p.
func (f *frames) follow(p []byte) (data bool) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(uint64(len(p)), f.left)
			f.left -= n
			p = p[n:]
			continue
		}
		f.header[f.have] = p[0]
		f.have++
		p = p[1:]
		if f.have < f.length() {
			continue
		}
		data = data || f.header[0]&0x0f <= lastDataOp
		f.left, f.have = f.carries(), 0
	}
	return data
}

// between reports whether a frame may begin here.
func (f *frames) between() bool { return f.have == 0 && f.left == 0 }

// rest is how many of the bytes that come next end the frame that is under way, as
// far as is known: at least one, unless a frame may begin here.
func (f *frames) rest() uint64 {
	switch {
	case f.left > 0:
		return f.left
	case f.have > 0:
		return uint64(f.length() - f.have)
	}
	return 0
}

// length is that of the header, as far as it can be told: two bytes at least.
func (f *frames) length() int {
	if f.have < 2 {
		return 2
	}
	n := 2
	switch f.header[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.header[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// carries is how many bytes come behind the header.
func (f *frames) carries() uint64 {
	switch n := f.header[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(n)
	}
}

// policyViolation is the status of a websocket that ends because its session has
// (RFC 6455, section 7.4.1): "a message that violates its policy" is what an
// endpoint says that has nothing more fitting to say.
const policyViolation = 1008

// goodbye is the frame that closes one, from a server: it is not masked.
var goodbye = closeFrame(policyViolation, "session ended")

func closeFrame(status uint16, reason string) []byte {
	const final, opClose = 0x80, 0x8
	frame := []byte{final | opClose, byte(2 + len(reason))}
	return append(binary.BigEndian.AppendUint16(frame, status), reason...)
}
