package fault

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// Answer is a handler's answer before it is sent.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Rewrite lets the handler answer and changes what it said. The client's
// leaving does not reach the handler.
func Rewrite(change func(r *http.Request, a *Answer)) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = settled(r)
			a := answerOf(next, r)
			change(r, a)
			a.sendHeader(w)
			_, _ = w.Write(a.Body)
		})
	}
}

// JSON changes the object that the handler answers with. Answers that are no
// JSON object, and those that are no success, pass as they are. Numbers are
// json.Number.
func JSON(change func(map[string]any)) Fault {
	return Rewrite(func(_ *http.Request, a *Answer) {
		if object := a.object(); object != nil {
			change(object)
			a.setObject(object)
		}
	})
}

func (a *Answer) object() map[string]any {
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(a.Body))
	decoder.UseNumber()
	if a.Status != http.StatusOK || decoder.Decode(&object) != nil {
		return nil
	}
	return object
}

func (a *Answer) setObject(object map[string]any) {
	body, err := json.Marshal(object)
	if err != nil { // a test put something in that no JSON can say
		a.Status, body = http.StatusInternalServerError, []byte(err.Error())
	}
	a.Body = body
}

// answerOf asks the handler and keeps what it says.
func answerOf(next http.Handler, r *http.Request) *Answer {
	k := &keeper{header: make(http.Header)}
	next.ServeHTTP(k, r)
	k.WriteHeader(http.StatusOK)
	return &Answer{Status: k.status, Header: k.header, Body: k.body.Bytes()}
}

// sendHeader announces the whole body, however much of it will follow.
func (a *Answer) sendHeader(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
}

// keeper is a ResponseWriter that sends nothing.
type keeper struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *keeper) Header() http.Header { return k.header }

func (k *keeper) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

func (k *keeper) Write(p []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(p)
}
