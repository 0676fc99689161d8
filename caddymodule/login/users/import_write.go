package users

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// written is somebody as they stand in the users file. They are read again as the
// gateway does, so that nobody has to find out later that they cannot be; the
// error is what it says of them. (The YAML library's encoder takes 128 KiB for each.)
func (r row) written() ([]byte, error) {
	var out strings.Builder
	out.WriteString("users:\n")
	if r.comment != "" {
		out.WriteString("  # " + r.comment + "\n")
	}
	out.WriteString("  - id: " + strconv.FormatInt(r.ID, 10) + "\n")
	for _, f := range [][2]string{{"email", r.Email}, {"username", r.Username}, {"name", r.Name}, {"password", r.Password}} {
		if f[1] != "" {
			out.WriteString("    " + f[0] + ": " + scalar(f[1]) + "\n")
		}
	}
	if len(r.Roles) > 0 {
		roles := make([]string, len(r.Roles))
		for i, role := range r.Roles {
			roles[i] = scalar(role)
		}
		out.WriteString("    roles: [" + strings.Join(roles, ", ") + "]\n")
	}
	if r.Disabled {
		out.WriteString("    disabled: true\n")
	}
	list := []byte(out.String())
	root, err := decode(list)
	if err != nil {
		return nil, errors.New("cannot be written as YAML")
	}
	p := newParser()
	if p.document(root); len(p.problems) > 0 {
		return nil, errors.New(inAuthelia.Replace(placeInFile.ReplaceAllString(p.problems[0].Error(), "")))
	}
	return list[len("users:\n"):], nil
}

// plainScalar is text that YAML takes as it stands, if it is none of notTexts.
var plainScalar = regexp.MustCompile(`^[\pL$][\pL\pN$@._=+/-]*(?:,[mtp]=[^,:# ]+|[ ][\pL\pN._-]+)*$`)

// notTexts are read as something else than text by one version of YAML or another.
var notTexts = []string{"y", "yes", "n", "no", "true", "false", "on", "off", "null"}

// scalar is a text in YAML. What Go writes in quotes is that in YAML too.
func scalar(text string) string {
	if plainScalar.MatchString(text) && !slices.Contains(notTexts, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}
