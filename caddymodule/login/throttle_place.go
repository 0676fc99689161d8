package login

import (
	"context"
	"time"

	"example.com/sidegate/sessionstore"
)

// count bounds one kind of attempts.
type count struct {
	bucket string
	limit  int
	window time.Duration
	scope  string // of Throttled
}

// ofPlace are the counts that an attempt passes for where it comes from.
//
// Behind a proxy that is not trusted all people have one address, and a limit of
// that one would let anybody lock out all others. So it has none; what the proxy
// says of them tells them apart, and a limit on each account holds for those who
// make it up. PerProxy is the end of trying many accounts so. The narrowest one is
// the last.
func (l *Limits) ofPlace(from Client, account string) []count {
	address := count{"address1:" + from.place(), l.PerAddress, l.Window, "address"}
	if !from.Shared {
		return []count{address}
	}
	proxy := from.Network()
	counts := []count{{"proxy1:" + proxy, l.PerProxy, l.Window, "proxy"}, l.atProxy(from, account)}
	if from.toldApart() {
		counts = append(counts, address)
	}
	return counts
}

// again counts the attempt at a further account that the name may be of, by the
// limit of its own one. It is never forgotten: the name is in other letters.
func (t *Throttle) again(ctx context.Context, a *Attempt, from Client, account string, limit int) error {
	if account == "" {
		return nil
	}
	counts := []count{{"pair1:" + from.place() + " " + account, limit, t.limits.Window, "account"}}
	if !from.toldApart() {
		counts = nil
	}
	if from.Shared {
		counts = append(counts, t.limits.atProxy(from, account))
	}
	for _, c := range counts {
		if _, err := a.pass(ctx, c, from); err != nil {
			return err
		}
	}
	_, err := a.take(ctx, "account1:"+account, t.limits.AttackThreshold, t.limits.Window)
	return err
}

// atProxy bounds an account at a proxy that is not trusted.
func (l *Limits) atProxy(from Client, account string) count {
	return count{"proxyaccount1:" + from.Network() + " " + account, l.PerProxyAccount, l.ProxyWindow, "account at the proxy"}
}

// pass counts the attempt, or says that there were too many.
func (a *Attempt) pass(ctx context.Context, c count, from Client) (sessionstore.Taken, error) {
	taken, err := a.take(ctx, c.bucket, c.limit, c.window)
	if err == nil && taken.Wait > 0 {
		err = &Throttled{RetryAfter: taken.Wait, Scope: c.scope, From: from}
	}
	return taken, err
}
