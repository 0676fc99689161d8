// Package web holds what people and their tools see of the gateway itself:
// the pages for signing in and out, the pages that say why not, the OpenAPI
// document, and the client with which pages of apps ask who is signed in.
//
// The pages are plain HTML: no request beside the page itself, one style sheet
// inside, and no script, but for the one line that presses the button of a page
// that nobody is to stay at (postback.go). Their texts are fixed, in one catalogue a
// language (texts/), and are chosen by Accept-Language. Nothing of a request is shown,
// but for the fields of a form that is kept (keptform.go): not even the email address
// after a wrong password: browsers and password managers fill it in again, and what is
// not echoed cannot be injected (CVE-2024-21496, CVE-2023-52430). A return_to that the
// caller has checked is carried along.
//
// It is told what to say and knows nothing else of the gateway: the standard
// library is enough. Begin with the frame of all pages in web.go, and
// with look.go, catalogue.go and language.go, how they look and speak; login.go,
// logout.go, onward.go, postback.go, keptform.go and problem.go are the pages, failure.go says why
// somebody is not signed in yet, swagger.go and swagger.yaml are the document,
// client.go and npm/ the client for browsers.
package web
