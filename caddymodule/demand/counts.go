package demand

import (
	"strconv"
	"sync/atomic"
)

// Answers are those that a request would have had where demands are only reported:
// that of the app, 303 to the login page, or the status of the refusal.
var Answers = [...]string{"pass", "303", "400", "401", "403", "503"}

// Counts counts by Answers. The zero value is ready, and may be used concurrently.
type Counts struct {
	by [len(Answers)]atomic.Int64
}

// Add counts a request that would have been answered with that status; 0 for one
// that would have passed.
func (c *Counts) Add(status int) {
	answer := "pass"
	if status != 0 {
		answer = strconv.Itoa(status)
	}
	for i, a := range Answers {
		if a == answer {
			c.by[i].Add(1)
			return
		}
	}
	c.by[len(c.by)-1].Add(1) // no refusal of who calls has another status
}

// All are the counts, in the order of Answers.
func (c *Counts) All() (counted [len(Answers)]int64) {
	for i := range c.by {
		counted[i] = c.by[i].Load()
	}
	return counted
}
