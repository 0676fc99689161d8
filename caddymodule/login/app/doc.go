// Package app signs people in by the login that an existing app has already:
// what they typed is sent to the app's own login API, once, and what the app
// answers says who they are.
//
// The password goes to the app and nowhere else: it is in no error and in
// nothing that is kept, not even where the app sends it back.
//
// It asks by package source and knows the profile and its mapping; nothing of
// the gateway's own cookies, and no Caddy. Begin with SignIn in app.go; body.go
// is what is sent, answer.go what an answer means, secret.go takes the password
// out of it.
package app
