package identity

import (
	"net/url"
	"strings"
)

// TakeParameter takes the parameters of that name out of a query, whichever way their
// name is escaped, and leaves every other byte as it is. values are theirs, in order;
// nil for none. A value that can be read in two ways, for a semicolon that some programs
// take for a separator or an escape that is none, stands there twice: it is no one value.
func TakeParameter(query, name string) (left string, values []string) {
	if !strings.Contains(query, name) && !strings.Contains(query, "%") {
		return query, nil // as nearly all
	}
	var kept strings.Builder
	before := byte('&') // the separator before the parameter
	for parameter := range separately(query) {
		bare := strings.TrimRight(parameter, separators)
		value, is := valueOf(bare, name)
		after := parameter[len(bare):]
		if !is {
			kept.WriteString(parameter)
		} else {
			read, err := url.QueryUnescape(value)
			values = append(values, read)
			if err != nil || before == ';' || after == ";" {
				values = append(values, read)
			}
			if after == "" && kept.Len() > 0 { // it was the last one: the separator before it goes with it
				without := kept.String()[:kept.Len()-1]
				kept.Reset()
				kept.WriteString(without)
			}
		}
		if after != "" {
			before = after[0]
		}
	}
	if values == nil {
		return query, nil
	}
	return kept.String(), values
}

// valueOf is the value of a parameter as it is written, if it has that name.
func valueOf(parameter, name string) (value string, is bool) {
	written, value, _ := strings.Cut(parameter, "=")
	if written != name {
		read, err := url.QueryUnescape(written)
		if err != nil || read != name {
			return "", false
		}
	}
	return value, true
}
