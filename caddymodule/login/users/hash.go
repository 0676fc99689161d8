package users

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
)

// What a password hash in the file may cost. The file decides how much work
// each sign-in is, so that a slip in it could hang the gateway.
const (
	MaxArgon2Memory  = 1 << 20 // KiB: 1 GiB
	MaxArgon2Time    = 16      // passes
	MaxArgon2Threads = 64
	MaxBcryptCost    = 16 // 2^16 rounds
)

// Lengths of an argon2id hash's parts as they are written. A derived key that
// is empty equals that of every password, so both parts have a least length:
// 8 bytes of salt and 16 of key (RFC 9106 section 4).
var (
	argon2idPattern = regexp.MustCompile(
		`^\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$`)
	// $2x$ is left out: it marks hashes of an implementation that ignored
	// some bits of the password (CVE-2011-2483).
	bcryptPattern = regexp.MustCompile(`^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$`)
)

// The least that the algorithms themselves accept: argon2 panics below it,
// and bcrypt refuses to compare.
const (
	minArgon2 = 1
	minBcrypt = 4
)

var (
	errNotHash  = errors.New("is not a hash: make one with `caddy hash-password --algorithm argon2id`")
	errHashWork = fmt.Errorf("is a hash with parameters out of bounds: argon2id takes m=%[1]d..%[2]d, t=%[1]d..%[3]d, p=%[1]d..%[4]d, bcrypt a cost of %[5]d..%[6]d",
		minArgon2, MaxArgon2Memory, MaxArgon2Time, MaxArgon2Threads, minBcrypt, MaxBcryptCost)
)

// hash is a password's hash, checked, with what it costs to compare.
type hash struct {
	encoded string
	work    work
	public  bool // anybody may know the password
	none    bool // there is no password, and the file says so
}

// noPassword stands in the file for the hash of who has no password: nobody signs in as
// them here, and they are known to `login adopt`. It is no hash to a gateway of a build
// that does not know the word, which refuses the file.
const noPassword = "none"

// work is what makes one hash take as long as another.
type work struct {
	memory, time, threads int // of argon2id
	cost                  int // of bcrypt; 0 means argon2id
}

// defaultWork is that of `caddy hash-password --algorithm argon2id`.
var defaultWork = work{memory: 47104, time: 1, threads: 1}

// bytes is how much memory the work takes while it lasts. Argon2 takes 8 KiB a
// thread at the least (RFC 9106 section 3.1).
func (w work) bytes() int64 {
	if w.cost > 0 {
		return 4 << 10
	}
	return int64(max(w.memory, 8*w.threads)) << 10
}

// String names the work as the hashes themselves write it.
func (w work) String() string {
	if w.cost > 0 {
		return fmt.Sprintf("bcrypt cost=%d", w.cost)
	}
	return fmt.Sprintf("argon2id m=%d,t=%d,p=%d", w.memory, w.time, w.threads)
}

// dummy is a hash of nobody's password that takes the same work. What it is
// compared with never matters: its result is not looked at.
func (w work) dummy() hash {
	if w.cost > 0 {
		const tail = "X3ulqf/iGxnf1k6oMZ.RZeJUoqI9PX2PM4rS5lkIKJXduLGXGPrt6"
		return hash{encoded: fmt.Sprintf("$2a$%02d$%s", w.cost, tail), work: w}
	}
	const tail = "P2nzckEdTZ3bxCiBCkRTyA$xQL3Z32eo5jKl7u5tcIsnEKObYiyNZQQf5/4sAau6Pg"
	return hash{
		encoded: fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s", w.memory, w.time, w.threads, tail),
		work:    w,
	}
}

// parseHash reads the hash of a password. Its errors hold nothing of the
// text, which may be the password itself.
func parseHash(text string) (hash, error) {
	if m := bcryptPattern.FindStringSubmatch(text); m != nil {
		return checked(text, work{cost: number(m[1])}, within(number(m[1]), minBcrypt, MaxBcryptCost))
	}
	m := argon2idPattern.FindStringSubmatch(text)
	if m == nil {
		return hash{}, errNotHash
	}
	w := work{memory: number(m[1]), time: number(m[2]), threads: number(m[3])}
	h, err := checked(text, w, within(w.memory, minArgon2, MaxArgon2Memory) &&
		within(w.time, minArgon2, MaxArgon2Time) && within(w.threads, minArgon2, MaxArgon2Threads))
	if err != nil {
		return hash{}, err
	}
	// The pattern does not know every rule of base64; what compares does.
	if _, _, err := caddyauth.DecodeHash([]byte(text)); err != nil {
		return hash{}, errNotHash
	}
	return h, nil
}

func checked(text string, w work, affordable bool) (hash, error) {
	if !affordable {
		return hash{}, errHashWork
	}
	return hash{encoded: text, work: w, public: isPublic(text)}, nil
}

func within(n, least, most int) bool { return least <= n && n <= most }

// number reads digits that a pattern has let through: ten at most.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// compare reports whether the password is that of the hash, in constant time.
func compare(h hash, password string) (bool, error) {
	if h.work.cost > 0 {
		return caddyauth.BcryptHash{}.Compare([]byte(h.encoded), []byte(password))
	}
	defer hashes.done(h.work.bytes())
	return caddyauth.Argon2idHash{}.Compare([]byte(h.encoded), []byte(password))
}
