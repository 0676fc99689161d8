// Package users signs people in who are listed in a file: a YAML list with a
// password hash for each of them, which is read again when it changes.
//
// The format is strict, because a slip in it lets somebody in or keeps
// somebody out: unknown fields, duplicate keys, anchors and wrong types are
// errors, each with its line and its remedy. No error holds anything that is
// written in the file, since it may be a password or personal data; but the name of
// a field that there is not.
//
// It knows the disk and the profile; no network, and of Caddy the password
// hashes alone. Begin with Method in method.go; parse.go and fields.go read the
// file, file.go and watch.go read it again, hash.go and limiter.go bound what a
// password costs, change.go tells whose sessions an edit ends. import.go makes the
// file of others.
package users
