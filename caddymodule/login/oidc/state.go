package oidc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// A state is 16 random bytes, what it says of its attempt (a byte), when that
// began (four bytes), and a code by which it is known to be of these gateways.
const (
	stateRandom = 16
	stateSays   = stateRandom + 1
	stateBegan  = stateSays + 4
	stateLength = 32
)

const (
	saysAgain     = 1 << iota // the attempt has begun again by itself
	saysWanted                // the person wanted to go somewhere
	saysUnkept                // another one has just succeeded, and nobody is signed in
	saysElsewhere             // it began at another host than the one it comes back to
	saysDoubted               // there was another one, which may have succeeded unkept
)

// Told is what a state of ours says of its attempt, also to who has nothing
// else of it.
type Told struct {
	// Again says that the attempt has begun again by itself. It does so once.
	Again bool
	// Wanted says that the person wanted to go somewhere in particular.
	Wanted bool
	// Unkept says that a sign-in of this browser had succeeded a moment before the
	// attempt began, and nobody was signed in by it.
	Unkept bool
	// Elsewhere says that it began at another host, as far as the request said, than
	// the one that it comes back to.
	Elsewhere bool
	// Doubted says that the browser had another attempt when this one began: one in
	// another tab, or one that has succeeded and the browser did not hear of it.
	Doubted bool
	// Began is when the attempt began, in whole seconds.
	Began time.Time
}

// State makes the state of a new attempt at that login; Began is now. It cannot
// be guessed, and ReadState knows it.
func (a *AttemptSealer) State(login string, told Told) string {
	state := make([]byte, stateSays, stateLength)
	_, _ = rand.Read(state) // never fails: see crypto/rand
	state[stateRandom] = told.says()
	state = binary.BigEndian.AppendUint32(state, uint32(a.now().Unix())) // good until 2106
	return encoding.EncodeToString(append(state, a.keys[0].known(login, state)...))
}

// says is the byte of a state that says it.
func (t Told) says() (b byte) {
	if t.Again {
		b |= saysAgain
	}
	if t.Wanted {
		b |= saysWanted
	}
	if t.Unkept {
		b |= saysUnkept
	}
	if t.Elsewhere {
		b |= saysElsewhere
	}
	if t.Doubted {
		b |= saysDoubted
	}
	return b
}

// ReadState returns what a state says; false when it was not made for that login
// by a gateway with one of these keys. Anybody can have a state made, so it says
// nothing of whose browser this is.
func (a *AttemptSealer) ReadState(login, state string) (told Told, ours bool) {
	raw, err := encoding.DecodeString(state)
	if err != nil || len(raw) != stateLength || encoding.EncodeToString(raw) != state {
		return told, false
	}
	for _, key := range a.keys {
		if hmac.Equal(raw[stateBegan:], key.known(login, raw[:stateBegan])) {
			says := raw[stateRandom]
			began := time.Unix(int64(binary.BigEndian.Uint32(raw[stateSays:])), 0)
			return Told{says&saysAgain != 0, says&saysWanted != 0, says&saysUnkept != 0, says&saysElsewhere != 0, says&saysDoubted != 0, began}, true
		}
	}
	return told, false
}

// known is the code at the end of a state.
func (k attemptKey) known(login string, said []byte) []byte {
	mac := hmac.New(sha256.New, k.states)
	mac.Write(said)
	mac.Write([]byte(login))
	return mac.Sum(nil)[:stateLength-stateBegan]
}
