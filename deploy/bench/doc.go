// Command bench measures what the gateway costs: it starts an upstream, Redis,
// a plain Caddy and the gateway, each as a process of its own on loopback,
// sends them the same requests in interleaved rounds, and prints ratios beside
// the goals that they are held to. See the README in this folder.
package main
