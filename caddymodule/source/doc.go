// Package source is how the gateway asks those who know people, an app's own
// login or a directory, over HTTP: one question to a configured host, without a
// proxy, without following redirects, reading no more than a bounded answer.
//
// What is sent holds credentials and personal data, and a faulty source may
// send them back: no error of this package holds anything of a question or of
// an answer.
//
// It knows neither who is asked nor what an answer means, so neither profiles
// nor logins, and no Caddy; the standard library is enough.
//
// Begin with Ask in source.go; address.go is what a question may be addressed
// to, template.go its placeholders, headers.go what may go with it.
package source
