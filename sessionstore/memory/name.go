package memory

import "crypto/sha256"

// nameHash stands for the name of a lease, a set of links or a number. Such a
// name holds what somebody else calls a person, and may be of any length.
type nameHash [sha256.Size]byte

func hashOf(name string) nameHash { return sha256.Sum256([]byte(name)) }
