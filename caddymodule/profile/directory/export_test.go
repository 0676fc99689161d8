package directory

import (
	"context"
	"time"
)

// SetWait replaces how the directory passes the time between two attempts.
func (d *Directory) SetWait(wait func(context.Context, time.Duration) error) { d.wait = wait }
