// Package clienttest tests the client for browsers, web/npm, with Node: the client
// itself in a browser of its own making (world.js), and, in packages/, what it is
// to React, to TypeScript and to a bundler, which come from npm as package-lock.json
// has them. linters/ looks at the OpenAPI document. deploy/browsertest has it in a real browser.
package clienttest
