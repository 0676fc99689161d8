package directive

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// remembered are where things of the Caddyfile that was adapted last stand, by the JSON
// that they became.
var remembered struct {
	sync.Mutex
	at map[[sha256.Size]byte][]Position // by a digest, for it may hold a secret
}

// Remember keeps where something stands, a module or a handler, by its JSON. What a
// process has adapted itself and loads then can so be told by its line, though the
// JSON between the two has none; see Recall.
func Remember(something any, at Position) {
	if at == (Position{}) {
		return
	}
	key := keyOf(something)
	remembered.Lock()
	defer remembered.Unlock()
	if remembered.at == nil {
		remembered.at = make(map[[sha256.Size]byte][]Position)
	}
	if !slices.Contains(remembered.at[key], at) {
		remembered.at[key] = append(remembered.at[key], at)
	}
}

// Recall is where something stands that has that JSON, or all the places of several that
// are alike; zero where no Caddyfile that was adapted here has it.
func Recall(something any) Position {
	key := keyOf(something)
	remembered.Lock()
	defer remembered.Unlock()
	switch all := remembered.at[key]; len(all) {
	case 0:
		return Position{}
	case 1:
		return all[0]
	default:
		return Position{line: strings.Join(linesOf(all), " or ")}
	}
}

// wordOf is an option of a block that became that JSON.
type wordOf struct {
	Block json.RawMessage
	Word  string
}

// RememberWords keeps where each option of a block stands, whose JSON has them all.
func RememberWords(block json.RawMessage, at map[string]Position) {
	for word, line := range at {
		Remember(wordOf{block, word}, line)
	}
}

// RecallWord is where the option stands that an error begins with the name of; zero
// where it begins with none.
func RecallWord(block json.RawMessage, err error) Position {
	text := err.Error()
	if end := strings.IndexAny(text, " :"); end > 0 {
		text = text[:end]
	}
	return Recall(wordOf{block, text})
}

// Forget forgets all places: what is adapted or loaded next is another configuration,
// whose lines may be others.
func Forget() {
	remembered.Lock()
	defer remembered.Unlock()
	remembered.at = nil
}

func linesOf(all []Position) (lines []string) {
	for _, at := range all {
		lines = append(lines, at.line)
	}
	return lines
}

// keyOf is made of the JSON of something with its members in order, for whoever hands a
// configuration on may have sorted them.
func keyOf(something any) [sha256.Size]byte {
	text, err := json.Marshal(something)
	var tree any
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	if err == nil && in.Decode(&tree) == nil {
		text, _ = json.Marshal(tree) // of what has just been decoded
	}
	return sha256.Sum256(text)
}

// LoadGuests loads modules that Guest has read, or those of a JSON configuration. An
// error has the line where the module stands, if that is known, else its place among
// them; kind is what they are called in it.
func LoadGuests(ctx caddy.Context, namespace, inlineKey, kind string, raw []json.RawMessage) (modules []any, err error) {
	for i := range raw {
		module, err := loadGuest(ctx, namespace, inlineKey, raw[i])
		if at := Recall(raw[i]); err != nil && at != (Position{}) {
			return nil, at.Wrap(fmt.Errorf("loading %s module: %w", kind, err))
		}
		if err != nil {
			return nil, fmt.Errorf("loading %s module: position %d: %w", kind, i, err)
		}
		modules = append(modules, module)
	}
	return modules, nil
}

func loadGuest(ctx caddy.Context, namespace, inlineKey string, raw json.RawMessage) (any, error) {
	var fields map[string]json.RawMessage
	var name string
	if json.Unmarshal(raw, &fields) != nil || json.Unmarshal(fields[inlineKey], &name) != nil || name == "" {
		return nil, fmt.Errorf("it has no %q, which names it", inlineKey)
	}
	delete(fields, inlineKey)
	own, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	module, err := ctx.LoadModuleByID(namespace+"."+name, own)
	if err != nil {
		return nil, fmt.Errorf("loading module '%s': %w", name, err)
	}
	return module, nil
}
