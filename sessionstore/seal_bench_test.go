package sessionstore_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/storetest"
)

// benchSession is of a person with 3 accounts, 10 roles and 50 permissions, who
// signed in where nobody says more of them.
func benchSession() *sessionstore.Session {
	s := fullSession()
	s.SourceSession, s.Name, s.Kept, s.Attributes, s.BuiltAt = "", "", "", nil, time.Time{}
	s.User.Accounts = append(s.User.Accounts, sessionstore.Account{AccountID: "initech", AccountName: "Initech Inc"})
	s.User.FlatRolesList, s.User.FlatPermissionsList = nil, nil
	for i := range 10 {
		s.User.FlatRolesList = append(s.User.FlatRolesList, fmt.Sprint("role-", i))
	}
	for i := range 50 {
		s.User.FlatPermissionsList = append(s.User.FlatPermissionsList, fmt.Sprintf("resource-%d:write", i))
	}
	return s
}

func BenchmarkSeal(b *testing.B) {
	sealer, s := storetest.NewSealer(b, 'k'), benchSession()
	b.ReportAllocs()
	for b.Loop() {
		sealer.Seal(s)
	}
	b.ReportMetric(float64(len(sealer.Seal(s))), "record-bytes")
}

func BenchmarkOpen(b *testing.B) {
	sealer, s := storetest.NewSealer(b, 'k'), benchSession()
	record := sealer.Seal(s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Open(s.Key, record); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenOfASource opens what an OpenID provider has said more of.
func BenchmarkOpenOfASource(b *testing.B) {
	sealer, s := storetest.NewSealer(b, 'k'), benchSession()
	full := fullSession()
	s.SourceSession, s.Name, s.Attributes, s.BuiltAt = full.SourceSession, full.Name, full.Attributes, full.BuiltAt
	record := sealer.Seal(s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Open(s.Key, record); err != nil {
			b.Fatal(err)
		}
	}
}
