package main

import (
	"encoding/json"
	"testing"

	"example.com/sidegate/sessionstore"
)

func TestPeopleAreAsAsked(t *testing.T) {
	for _, who := range []person{{}, ordinary, heavy, {accounts: 1, permissions: 500}, loner} {
		u := who.user(7)
		if u.ID != 7 || u.Email != "person-7@example.com" || len(u.Accounts) != who.accounts ||
			len(u.FlatRolesList) != who.roles || len(u.FlatPermissionsList) != who.permissions {
			t.Errorf("%+v is %+v", who, u)
		}
		if (u.PrimaryAccount != nil) != (who.accounts > 0) || u.PrimaryAccount != nil && !u.PrimaryAccount.UsersPrimaryAccount {
			t.Errorf("%+v has the primary account %+v", who, u.PrimaryAccount)
		}
		size, err := who.jsonSize()
		if err != nil {
			t.Fatal(err)
		}
		var back sessionstore.UserSession
		text, _ := json.Marshal(who.user(5_000))
		if json.Unmarshal(text, &back) != nil || len(text) != size || back.Token != "" || len(back.FlatPermissionsList) != who.permissions {
			t.Errorf("%+v is %d bytes: %s", who, size, text)
		}
	}
}

func TestSecretsAreOfTheirOwnInEachRun(t *testing.T) {
	a, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	b, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	if a.secret == b.secret || len(a.secret) < 32 {
		t.Error("the secret is short, or no secret")
	}
}

func TestParseUsedMemory(t *testing.T) {
	got, err := parseInfo("# Memory\r\nused_memory_human:1M\r\nused_memory:1048576\r\nused_memory_rss:9\r\n", "used_memory")
	if err != nil || got != 1<<20 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "used_memory_rss:9\r\n", "used_memory:many\r\n"} {
		if got, err := parseInfo(text, "used_memory"); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestALonerSharesNoRoleAndNoPermission(t *testing.T) {
	seen := make(map[string]bool)
	for id := range int64(20) {
		u := loner.user(id + 1)
		for _, name := range append(u.FlatRolesList, u.FlatPermissionsList...) {
			if seen[name] {
				t.Errorf("person %d has %s, as another has", u.ID, name)
			}
			seen[name] = true
		}
	}
}
