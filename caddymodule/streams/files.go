package streams

import (
	"io"
	"net/http"
)

const (
	// atOnce is what a kernel takes without waiting for the client, about.
	atOnce = 64 << 10
	// piece is how much of a file is sent at once: between two pieces it is seen that
	// it still flows.
	piece = 1 << 20
)

// ReadFrom is Write for all that r has, in the server's own way to send a file. It
// returns when all is sent, so that what may take long is known from the beginning.
func (s *Stream) ReadFrom(w http.ResponseWriter, r io.Reader) (int64, error) {
	if s.watch == nil {
		return readFrom(w, r)
	}
	file, limited := r.(*io.LimitedReader) // as io.CopyN has it
	if limited && file.N <= atOnce {
		if s.flowed(); s.ended.Load() {
			return 0, errCut
		}
		return readFrom(w, r)
	}
	s.open()
	if !limited || s.framed() {
		return io.Copy(flowing{s, w}, r)
	}
	return s.inPieces(w, file)
}

// inPieces sends a file piece by piece: each goes the server's own way.
func (s *Stream) inPieces(w http.ResponseWriter, file *io.LimitedReader) (sent int64, err error) {
	for file.N > 0 && err == nil {
		if s.ended.Load() {
			return sent, errCut
		}
		next := &io.LimitedReader{R: file.R, N: min(piece, file.N)}
		asked := next.N
		n, failed := readFrom(w, next)
		sent, err = sent+n, failed
		file.N -= n
		s.flowed()
		if n < asked {
			break
		}
	}
	return sent, err
}

// flowing writes by Stream.Write, and has no other way.
type flowing struct {
	stream *Stream
	to     http.ResponseWriter
}

func (f flowing) Write(p []byte) (int, error) { return f.stream.Write(f.to, p) }

// readFrom copies in the server's own way, where it has one.
func readFrom(w http.ResponseWriter, r io.Reader) (int64, error) {
	if own, ok := w.(io.ReaderFrom); ok {
		return own.ReadFrom(r)
	}
	return io.Copy(w, r)
}
