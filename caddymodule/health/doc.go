// Package health answers who asks whether this gateway can do its work, such as a
// load balancer: it can while its store answers. They have no session.
package health
