// Package pathrule decides by the path of a request, over every reading that a
// program behind the gateway could give it.
//
// The gateway and the app need not agree on what /x/..;/admin/users is: a
// servlet container drops ";..." and then resolves the dots, others do not.
// Whoever decides by one reading is walked around by another. So nothing here
// looks for the right reading: Rules asks for the demands of all of them, and
// opens only what all of them open. Clear opens nothing that has a second one.
// Watch, for matchers that are Caddy's and know one reading, tells the paths
// apart that must not reach them.
package pathrule
