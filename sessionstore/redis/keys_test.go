package redis_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestKeysOfOnePersonLieInOneSlot(t *testing.T) {
	srv := redistest.Start(t, redistest.Cluster())
	st := store(t, srv.URL())
	for range 5 {
		create(t, st, ada)
	}
	slots := make(map[int64]bool)
	all := keys(t, srv, "*")
	for _, key := range all {
		slots[srv.Client().ClusterKeySlot(t.Context(), key).Val()] = true
	}
	if len(all) != 6 || len(slots) != 1 {
		t.Fatalf("%d keys lie in %d slots; want 6 in one", len(all), len(slots))
	}
}

func TestPeopleAndBucketsSpreadOverTheSlots(t *testing.T) {
	srv := redistest.Start(t, redistest.Cluster())
	st := store(t, srv.URL())
	const people = 100
	for id := range int64(people) {
		create(t, st, id+1)
		name, key := string(rune('a'+id)), sessionstore.NewSecret(id).Key()
		_, err := st.Take(t.Context(), name, 3, time.Hour)
		must(t, err)
		_, err = st.Hold(t.Context(), name, "one", time.Hour)
		must(t, err)
		must(t, st.Link(t.Context(), name, key, time.Hour))
		_, err = st.Number(t.Context(), name)
		must(t, err)
		_, err = st.Own(t.Context(), sessionstore.Claim{Number: id + 1, Owner: name, Begun: true})
		must(t, err)
	}
	for _, pattern := range []string{"*:u:*", "*:t:*", "*:h:*", "*:l:*", "*:n:*", "*:o:*", "*:w:*"} {
		slots := make(map[int64]bool)
		for _, key := range keys(t, srv, pattern) {
			slots[srv.Client().ClusterKeySlot(t.Context(), key).Val()] = true
		}
		if len(slots) < people*9/10 {
			t.Errorf("%d keys like %s lie in only %d slots", people, pattern, len(slots))
		}
	}
}

func TestShapesOfKeys(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	for _, name := range []string{"Take", "Hold", "Link", "Number", "Own"} {
		must(t, calls()[name](t.Context(), st, s))
	}
	must(t, st.Beat(t.Context()))
	all := keys(t, srv, "*")
	if len(all) != 10 {
		t.Errorf("there are %d keys; want 10", len(all))
	}
	shape := regexp.MustCompile(`^sidegate:\{[0-9a-f]{4}\}:([stlhn]:[\w-]{43}|u:1|w:1|o:1|c|b)$`)
	for _, key := range all {
		if !shape.MatchString(key) {
			t.Errorf("the key %s has another shape than documented", key)
		}
	}
}

// A cluster of several nodes can route a script only by the keys it declares.
// A channel is no key: messages go to all nodes.
func TestScriptsTouchOnlyTheKeysTheyDeclare(t *testing.T) {
	calls := regexp.MustCompile(`(?:redis\.p?call|\bread)\('(\w+)'(?:, *([^,)]+))?`)
	shared := regexp.MustCompile(`\b(left|enter|ends|live)\(([^,)]+)`)
	for name, text := range scripts(t) {
		if name == "scripts/index.lua" || name == "scripts/live.lua" {
			// What scripts share is given their KEYS.
			text = strings.NewReplacer(", session", ", KEYS[1]", ", index", ", KEYS[2]").Replace(text)
		} else {
			for _, call := range shared.FindAllStringSubmatch(text, -1) {
				if !strings.HasPrefix(call[2], "KEYS[") {
					t.Errorf("%s gives %s %q, which is none of its KEYS", name, call[1], call[2])
				}
			}
		}
		for _, call := range calls.FindAllStringSubmatch(text, -1) {
			if command, key := call[1], call[2]; command != "TIME" && command != "PUBLISH" && !strings.HasPrefix(key, "KEYS[") {
				t.Errorf("%s calls %s on %q, which is none of its KEYS", name, command, key)
			}
			if slow := "KEYS SCAN SMEMBERS FLUSHDB"; strings.Contains(slow, call[1]) {
				t.Errorf("%s calls %s, which grows with the number of sessions", name, call[1])
			}
		}
	}
}

func TestScriptsAddressTheRecordAsItIsLaidOut(t *testing.T) {
	if sessionstore.RecordVersionAt != 1 || sessionstore.RecordVersionSize != 8 ||
		sessionstore.RecordLastSeenAt != 9 || sessionstore.RecordLastSeenSize != 8 {
		t.Error("the record has a new layout: write update.lua, touch.lua, idle.lua and room.lua anew")
	}
	if sessionstore.RecordMinSize != 49 {
		t.Error("the shortest record has a new length: see touch.lua")
	}
}

func scripts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("scripts/*.lua")
	must(t, err)
	if len(files) < 23 {
		t.Fatalf("there are %d scripts; want them all", len(files))
	}
	texts := make(map[string]string)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		texts[file] = string(text)
	}
	return texts
}
