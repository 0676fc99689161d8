// Package ownfile is about the gateway's files. Of those that it makes itself it says
// why one cannot be made, with a remedy that leads into no further error, and whether
// one that is there already is its own. Those that options name it reads without ever
// repeating what a placeholder stands for, which may be a key. Of the configuration it says
// what to do where there is none to read.
package ownfile
