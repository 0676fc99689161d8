// Package ownfile is about files that the gateway makes itself: why one cannot be
// made, with a remedy that leads into no further error, and whether one that is
// there already is its own.
package ownfile
