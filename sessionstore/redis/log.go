package redis

import (
	"context"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// LogTo sends what go-redis has to say, connections that could not be made for
// the most part, to print; nil drops it. Without it go-redis writes to standard
// error. Its logger is one for the whole process, which is why nothing in this
// package calls LogTo: the program does, once.
func LogTo(print func(message string)) { goredis.SetLogger(logger(print)) }

type logger func(message string)

// Printf is what go-redis calls.
func (l logger) Printf(_ context.Context, format string, args ...any) {
	if l != nil {
		l(fmt.Sprintf(format, args...))
	}
}
