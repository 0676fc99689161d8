package main

// beside is behind the names of arms that are of the other binary.
const beside = ".beside"

// twin adds each Caddy once more as the binary is that -beside names, such as a
// build of yesterday. Both take turns in the same rounds, so that a minute of the
// machine falls on both alike.
func (r *rig) twin(list []*arm) (both []*arm, ratios []goal) {
	for _, a := range list {
		both = append(both, a)
		if r.config.beside == "" || a.launch != nil {
			continue
		}
		other := *a
		other.name, other.about, other.binary = a.name+beside, "the same by the other binary", r.config.beside
		both = append(both, &other)
		ratios = append(ratios,
			goal{what: "ours: CPU", arm: a.name, against: other.name, of: cpu},
			goal{what: "ours: allocations", arm: a.name, against: other.name, of: allocations})
	}
	return both, ratios
}
