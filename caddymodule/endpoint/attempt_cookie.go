package endpoint

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login/oidc"
)

const (
	// attemptCookie begins the names of the cookies of sign-ins under way, one
	// for each attempt, so that several tabs do not disturb each other. The
	// prefix keeps sibling hosts from planting one (login CSRF).
	attemptCookie         = "__Host-Http-sidegate-attempt-"
	insecureAttemptCookie = "sidegate-attempt-"
	// maxAttempts bounds the attempts of one browser, and attemptRoom what all
	// their cookies take of a Cookie header, in bytes: they come with every
	// request, and nginx and Apache refuse lines of more than 8 KiB.
	maxAttempts = 12
	attemptRoom = 4000
	// attemptShare is an attempt's. Each keeps to it whatever the others are:
	// a browser that opens its tabs anew opens all at once, and none of those
	// requests tells of the others.
	attemptShare = attemptRoom / maxAttempts
	// stateInName is how much of the state tells attempts apart; the whole of
	// it is sealed in the cookie.
	stateInName = 16
	// wayBack goes on the names of cookies with where the person wanted to go,
	// where that does not fit into the attempt's share. There are few of those
	// names, and whoever comes at once takes the same: so the longest of them
	// is there once, and not twelve times. The first name alone is for those of
	// more than longWayBack bytes: nobody has two.
	wayBack     = "link-"
	maxWaysBack = 5
	longWayBack = 1200
	// crowdedName goes on the name of the cookie that says that attempts of this
	// browser were forgotten, for they were too many.
	crowdedName = "crowded"
	between     = len("=; ") // what a cookie has beside name and value
)

// AttemptPrefix begins the names of attempt cookies on this site.
func (c *Cookie) AttemptPrefix() string {
	if c.Insecure {
		return insecureAttemptCookie
	}
	return attemptCookie
}

// attemptName is the name of an attempt's cookie; false when the state is none
// of ours.
func (c *Cookie) attemptName(state string) (string, bool) {
	if len(state) <= stateInName || strings.ContainsFunc(state, notBase64URL) {
		return "", false
	}
	return c.AttemptPrefix() + state[:stateInName], true
}

func notBase64URL(r rune) bool {
	return r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
}

// underway is what a browser has of sign-ins under way, each the oldest first,
// as browsers send them (RFC 6265 section 5.4).
type underway struct {
	attempts, waysBack []namedCookie
}

type namedCookie struct{ name, value string }

func (c namedCookie) size() int { return len(c.name) + len(c.value) + between }

func sizeOf(cookies []namedCookie) (size int) {
	for _, c := range cookies {
		size += c.size()
	}
	return size
}

// manyCookies bounds how many of them are looked at: no browser that we gave ours
// to has more, and whoever made more up has nothing here to do with them.
const manyCookies = 16 * maxAttempts

func (c *Cookie) underway(r *http.Request) (u underway) {
	prefix := c.AttemptPrefix()
	for name, value := range caller.Remember(r).CookiesWhere(func(name string) bool { return strings.HasPrefix(name, prefix) }) {
		if len(u.attempts)+len(u.waysBack) == manyCookies {
			return u
		}
		switch number, ok := strings.CutPrefix(name, prefix+wayBack); {
		case ok && len(number) == 1:
			u.waysBack = append(u.waysBack, namedCookie{name, value})
		case name == prefix+freshName, name == prefix+crowdedName, name == prefix+endedName, name == prefix+afterwardsName:
		default:
			u.attempts = append(u.attempts, namedCookie{name, value})
		}
	}
	return u
}

// setAttempt gives the browser an attempt to remember. It lets it forget ways
// back, and then the oldest attempts, when they are many.
func (c *Cookie) setAttempt(w http.ResponseWriter, r *http.Request, a oidc.Attempt, seal *oidc.AttemptSealer, life time.Duration) error {
	name, _ := c.attemptName(a.State)
	value, sealed, err := seal.Seal(a, attemptShare-len(name)-between)
	if err != nil {
		return err
	}
	u := c.underway(r)
	u.attempts = append(u.attempts, namedCookie{name, value})
	for len(u.attempts) > 1 && (len(u.attempts) > maxAttempts || sizeOf(u.attempts) > attemptRoom) {
		c.clearAttempt(w, u.attempts[0].name)
		u.attempts = u.attempts[1:]
		http.SetCookie(w, c.attempt(c.AttemptPrefix()+crowdedName, "1", int(life.Seconds())))
	}
	http.SetCookie(w, c.attempt(name, value, int(life.Seconds())))
	lastFirst(w.Header()["Set-Cookie"])
	var own *namedCookie
	if sealed.ReturnTo != a.ReturnTo {
		value := seal.SealWayBack(a)
		own = &namedCookie{c.freeWayBack(u.waysBack, len(value)), value}
	}
	c.setWayBack(w, u, own, int(life.Seconds()))
	return nil
}

// crowded reports whether attempts of this browser were forgotten a while ago, for
// they were too many.
func (c *Cookie) crowded(r *http.Request) bool {
	return len(caller.Remember(r).CookiesNamed(c.AttemptPrefix()+crowdedName)) > 0
}

// freeWayBack is a name for one more of that size: one that there is none of, else
// the oldest.
func (c *Cookie) freeWayBack(taken []namedCookie, size int) string {
	first := c.AttemptPrefix() + wayBack + "0"
	if size > longWayBack {
		return first
	}
	for i := 1; i < maxWaysBack; i++ {
		name := c.AttemptPrefix() + wayBack + strconv.Itoa(i)
		if !slices.ContainsFunc(taken, func(cookie namedCookie) bool { return cookie.name == name }) {
			return name
		}
	}
	if taken[0].name == first {
		return taken[1].name
	}
	return taken[0].name
}

// setWayBack sets the way back of the newest attempt, if it needs one of its
// own, and lets the browser forget the oldest of the others until all that is
// under way fits. One that does not fit alone is not set.
func (c *Cookie) setWayBack(w http.ResponseWriter, u underway, own *namedCookie, life int) {
	room := attemptRoom - sizeOf(u.attempts)
	if own != nil {
		u.waysBack = slices.DeleteFunc(u.waysBack, func(other namedCookie) bool { return other.name == own.name })
		if own.size() <= room {
			room -= own.size()
			http.SetCookie(w, c.attempt(own.name, own.value, life))
		}
	}
	for len(u.waysBack) > 0 && sizeOf(u.waysBack) > room {
		c.clearAttempt(w, u.waysBack[0].name)
		u.waysBack = u.waysBack[1:]
	}
}

// takeWayBack returns the attempt of that name with all of its way back, if the
// browser has it still. It lets the browser forget both, and of other ways back the
// oldest until all fits that is left: tabs that were opened at once knew nothing of
// each other.
func (c *Cookie) takeWayBack(w http.ResponseWriter, r *http.Request, name string, a oidc.Attempt, seal *oidc.AttemptSealer) oidc.Attempt {
	c.clearAttempt(w, name)
	u := c.underway(r)
	u.attempts = slices.DeleteFunc(u.attempts, func(other namedCookie) bool { return other.name == name })
	for i, cookie := range u.waysBack {
		if !a.Cut {
			break
		}
		if whole, ok := seal.WithWayBack(a, cookie.value); ok {
			c.clearAttempt(w, cookie.name)
			a, u.waysBack = whole, slices.Delete(u.waysBack, i, i+1)
			break
		}
	}
	c.setWayBack(w, u, nil, 0)
	return a
}

func (c *Cookie) clearAttempt(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.attempt(name, "", -1))
}

// attempt is always Lax: the browser comes back from another site, and must
// send it along.
func (c *Cookie) attempt(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: !c.Insecure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
