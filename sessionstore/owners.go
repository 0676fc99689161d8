package sessionstore

import "context"

// Owners remember whom a person's number belongs to. Whatever is kept of a person
// under their number, their sessions first of all, is theirs alone for as long
// as nobody else comes with the same.
type Owners interface {
	// Own notes whom the number belongs to, for good, unless it belongs to
	// somebody, and returns whom it belongs to then. Of many who ask at once for
	// one number, all are told of the same. "" says that it belongs to nobody:
	// see Claim.
	Own(ctx context.Context, c Claim) (owner string, err error)
}

// Claim is what Owners.Own is asked for.
type Claim struct {
	// Number is the person's: that of UserSession.
	Number int64
	// Owner stands for the person, and is kept as it is: it must not tell who
	// they are. With "" nothing is noted.
	Owner string
	// Instead is whom the number may belong to so far, beside nobody. "": to
	// nobody.
	Instead string
	// Begun has the owner noted also when there are sessions of that number.
	// Without, nothing is, for they may be somebody else's, who came before
	// owners were noted. Some that have ended may count.
	Begun bool
}

// May reports whether the claim has the number belong to its owner, and not to
// whom it belongs so far; begun says that there are sessions of it.
func (c Claim) May(kept string, begun bool) bool {
	if kept != "" {
		return c.Owner != "" && kept == c.Instead && kept != c.Owner
	}
	return c.Owner != "" && (c.Begun || !begun)
}
