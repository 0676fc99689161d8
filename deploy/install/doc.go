// Package install holds what an operator installs the gateway by: deploy/docker,
// deploy/kubernetes and deploy/systemd. Its tests build the image, render and validate
// the rest, and start what is in it.
package install
