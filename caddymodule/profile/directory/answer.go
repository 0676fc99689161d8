package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
)

// ErrOtherPerson says that a directory answered about somebody else: its
// top-level email, sub or subject is not that of who was asked about. No
// session is built of it, even where the directory is optional.
var ErrOtherPerson = errors.New("the answer is about another person: check how the directory searches")

var (
	// errNotKnown says that the directory knows no such person, for certain.
	errNotKnown = errors.New("the person is not known there")
	// errNotJSON says that the answer is not one JSON value of sane depth.
	errNotJSON = errors.New("the answer is not JSON, or is nested too deep")
)

// read makes of an answer what is known of the person. One that says that it
// was a success and cannot be read, or is about somebody else, is a
// *profile.Unmapped: it vouches for nothing.
func read(a source.Answer, who identity) (map[string]any, error) {
	switch {
	case a.Status == http.StatusNotFound, a.Status == http.StatusGone:
		return nil, errNotKnown
	case a.Status < 200 || a.Status > 299:
		return nil, unexpected(a.Status)
	}
	object, err := decode(a.Body)
	if err == nil {
		err = who.check(object)
	}
	if err != nil && !errors.Is(err, errNotKnown) {
		err = &profile.Unmapped{Err: err, Unreadable: true}
	}
	return object, err
}

func decode(body []byte) (map[string]any, error) {
	fact, err := profile.DecodeFact(body)
	if err != nil {
		return nil, errNotJSON
	}
	return one(fact, body)
}

// one is the object that is the answer. A search answers with a list: of one,
// or of nobody. Which of several is meant is not for us to guess.
func one(fact any, body []byte) (map[string]any, error) {
	if object, ok := fact.(map[string]any); ok {
		return object, nil
	}
	if _, ok := fact.([]any); !ok {
		return nil, errors.New("the answer is not a JSON object")
	}
	// Facts are without nulls; counted here, [null] is no definite "nobody".
	var list []json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&list); err != nil {
		return nil, errNotJSON
	}
	if len(list) == 0 {
		return nil, errNotKnown
	}
	facts, _ := fact.([]any)
	if len(list) > 1 || len(facts) != 1 {
		return nil, fmt.Errorf("the answer is a list of %d: let the directory search for exactly one person", len(list))
	}
	object, ok := facts[0].(map[string]any)
	if !ok {
		return nil, errors.New("the answer is a list of something else than JSON objects")
	}
	return object, nil
}

// unexpected says what to look at next.
func unexpected(status int) error {
	switch {
	case status >= 300 && status <= 399:
		return fmt.Errorf("it answers %d, and redirects are not followed: configure the URL that it leads to", status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("it answers %d: are the credentials right that it is asked with?", status)
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("it answers %d: it is asked more often than it likes", status)
	}
	return fmt.Errorf("it answers %d", status)
}
