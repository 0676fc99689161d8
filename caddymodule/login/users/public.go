package users

import "slices"

// public are the hashes of deploy/demo/users.yaml, and so of a password that
// everybody knows: TestNoShippedHashSignsInFromElsewhere.
var public = []string{
	"$argon2id$v=19$m=47104,t=1,p=1$81OGiOBCQgSBTFlNzmkLwg$RUIX6+jXtljVFDT+x+PdZqGn3oD2kI9HrnHGEEk0Xco",
	"$argon2id$v=19$m=47104,t=1,p=1$5jQ6iA+aJyraci3pQwwQKA$MKzh30YtfpvDK0ykvHnTSFokxGde8Std45EVsHhP48M",
	"$argon2id$v=19$m=47104,t=1,p=1$ujwqen86iC/uvdJUTGL4sQ$Vi/gxRfwVRv9CLKXboF1fmS4lgPwWdGCPzCHcPM7Nj8",
}

// isPublic reports whether anybody may know the password of the hash. It is
// asked when the file is read, so the time of a sign-in says nothing of it.
func isPublic(encoded string) bool { return slices.Contains(public, encoded) }
