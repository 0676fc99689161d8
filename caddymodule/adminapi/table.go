package adminapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// prefix is where the routes are.
const prefix = "/sidegate/"

// route is a path below prefix and what is answered there.
type route struct {
	// path is behind prefix. One that ends in / is for all names directly below it:
	// the name is call.name.
	path string
	// name is what such a name is, for people: {id}.
	name string
	// methods are what is answered, and the parameters that each takes. A GET is a
	// HEAD too.
	methods map[string]method
}

type method struct {
	params []string
	answer func(*call) error
}

// routes are all of them.
var routes = slices.Concat(sessionRoutes, gatewayRoutes, storeRoutes)

// Paths are the routes as people write them, such as "DELETE /sidegate/sessions/{id}".
func Paths() []string { return paths(routes) }

func paths(of []route) (written []string) {
	for _, r := range of {
		for _, name := range slices.Sorted(maps.Keys(r.methods)) {
			written = append(written, name+" "+prefix+r.path+r.name)
		}
	}
	return written
}

// answer finds what was asked for, and answers it.
func (c *call) answer(among []route) error {
	r, ok := c.find(among)
	if !ok {
		return fault(http.StatusNotFound, "there is no such route; there are: %s", strings.Join(paths(among), ", "))
	}
	asked := c.r.Method
	if asked == http.MethodHead {
		asked = http.MethodGet
	}
	m, ok := r.methods[asked]
	if !ok {
		allowed := slices.Sorted(maps.Keys(r.methods))
		if slices.Contains(allowed, http.MethodGet) {
			allowed = append(allowed, http.MethodHead)
		}
		c.w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fault(http.StatusMethodNotAllowed, "this route is asked with %s", strings.Join(allowed, " or "))
	}
	if c.r.ContentLength != 0 {
		c.w.Header().Set("Connection", "close") // of what comes nothing is read
		return fault(http.StatusBadRequest, "the routes of Sidegate take no body: send the request without one")
	}
	if err := c.readQuery(m.params); err != nil {
		return err
	}
	return m.answer(c)
}

func (c *call) find(among []route) (route, bool) {
	path, below := strings.CutPrefix(c.r.URL.Path, prefix)
	if !below {
		return route{}, false
	}
	for _, r := range among {
		if r.path == path && r.name == "" {
			return r, true
		}
		name, ok := strings.CutPrefix(path, r.path)
		if ok && r.name != "" && !strings.Contains(name, "/") {
			c.name = name
			return r, true
		}
	}
	return route{}, false
}
