// Package browsertest goes through the demo with a real browser, Chromium
// without a screen. It is a module of its own, so that whoever builds the
// gateway does not fetch what drives a browser.
package browsertest
