package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

func TestRefreshWhoseSourceSaysNo(t *testing.T) {
	for name, no := range map[string]error{
		"who is no longer known":         login.ErrUnknown,
		"who is refused by the source":   login.ErrRefused,
		"who is refused by a rule of us": &profile.Refused{Why: "require"},
	} {
		inBubble(t, name+" is signed out in the background", func(b *bubble) {
			b.login.fails(no)
			b.visit()
			b.ada.wantGone(b.g)
			if _, err := b.g.visit(b.Context(), b.ada.key); !errors.Is(err, sessionstore.ErrNotFound) {
				b.Errorf("the next request is answered with %v", err)
			}
		})
		inBubble(t, name+" is told so when they ask for a refresh", func(b *bubble) {
			b.login.fails(no)
			if _, err := b.ada.refresh(b.g); !errors.Is(err, lifecycle.ErrEnded) {
				b.Errorf("answered with %v", err)
			}
			b.ada.wantGone(b.g)
		})
	}
	inBubble(t, "somebody else under the same name ends the session", func(b *bubble) {
		b.login.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
			return &profile.Person{ID: 2, Email: "ada@example.com"}, nil
		})
		b.visit()
		b.ada.wantGone(b.g)
	})
}

func TestRefreshInTroubleSignsNobodyOut(t *testing.T) {
	for name, err := range map[string]error{
		"that cannot be reached": errTrouble,
		"that is out of time":    context.DeadlineExceeded,
	} {
		inBubble(t, "of a source "+name, func(b *bubble) {
			b.login.fails(err)
			if _, err := b.ada.refresh(b.g); err == nil || errors.Is(err, lifecycle.ErrEnded) {
				b.Errorf("answered with %v", err)
			}
			b.ada.wantRoles(b.g, "viewer")
			b.wantKept(firstKept)
		})
	}
	inBubble(t, "and asks again only after a while", func(b *bubble) {
		b.login.fails(errTrouble)
		b.visit()
		for range 10 {
			b.visit()
		}
		b.wantAsked(1)
		pass(refreshedEvery / 10)
		b.login.grants("editor")
		b.visit()
		b.wantAsked(2)
		b.ada.wantRoles(b.g, "editor")
	})
	inBubble(t, "of the store, and asks no source then", func(b *bubble) {
		b.store.away.Store(true)
		b.visit()
		b.wantAsked(0)
		b.store.away.Store(false)
		b.ada.wantRoles(b.g, "viewer")
	})
	inBubble(t, "of the store that cannot end a session: it ends later", func(b *bubble) {
		b.login.fails(login.ErrRefused)
		b.store.before = func(method string) { b.store.away.Store(method == "Revoke") }
		b.visit()
		b.store.before = nil
		b.store.away.Store(false)
		b.ada.wantRoles(b.g, "viewer")
		pass(maxCooldown)
		b.visit()
		b.ada.wantGone(b.g)
	})
}

// A refresh token that was spent and not replaced here would be presented
// again; the provider takes that for theft and ends everything.
func TestRefreshLosesNoCredentialThatWasRotated(t *testing.T) {
	inBubble(t, "when all went well", func(b *bubble) {
		b.login.rotates(nil)
		b.visit()
		b.wantKept(secondKept)
	})
	inBubble(t, "although what followed it failed", func(b *bubble) {
		b.login.rotates(errTrouble)
		b.visit()
		b.wantKept(secondKept)
		b.ada.wantRoles(b.g, "viewer")
	})
	inBubble(t, "although what followed it made no session", func(b *bubble) {
		b.login.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
			return &profile.Person{ID: 1, Email: "nowhere", Kept: &profile.Kept{RefreshToken: "second"}}, nil
		})
		b.visit()
		b.wantKept(secondKept)
		b.ada.wantRoles(b.g)
	})
	inBubble(t, "although what came with it cannot be mapped", func(b *bubble) {
		b.login.rotates(&profile.Unmapped{Err: errTrouble})
		b.visit()
		b.wantKept(secondKept)
		b.ada.wantRoles(b.g)
	})
	// Longer than the lease lives, which is kept in the same store.
	for _, away := range []time.Duration{time.Second, leaseTime - time.Second, 3 * leaseTime} {
		for name, err := range map[string]error{"": nil, ", and what followed failed": errTrouble} {
			inBubble(t, "although the store was away for "+away.String()+name, func(b *bubble) {
				b.login.rotates(err)
				reached, release := b.login.blocked()
				b.visit()
				<-reached
				b.store.away.Store(true)
				release()
				pass(away)
				b.store.away.Store(false)
				pass(leaseTime)
				b.wantKept(secondKept)
			})
		}
	}
	inBubble(t, "although others write the session all the time", func(b *bubble) {
		b.login.rotates(nil)
		writes := 0
		b.store.before = func(method string) {
			if method != "Update" || writes == 2*writeTries {
				return
			}
			writes++
			s, err := b.store.Store.Get(b.Context(), b.ada.key)
			if err == nil {
				_, err = b.store.Store.Update(b.Context(), s)
			}
			if err != nil {
				b.Error(err)
			}
		}
		b.visit()
		pass(3 * writePause)
		synctest.Wait()
		b.wantKept(secondKept)
		b.ada.wantRoles(b.g, "editor")
	})
	inBubble(t, "nor one that another gateway rotated later", func(b *bubble) {
		b.login.rotates(errTrouble)
		b.writesBetween(func(newer *sessionstore.Session) { newer.Kept = `{"refresh_token":"third"}` })
		b.visit()
		b.wantKept(`{"refresh_token":"third"}`)
	})
}

// What a source said before is no longer vouched for when its answer came and
// cannot be mapped: the old roles must not live on for the whole lifetime.
func TestWhatAMappingNoLongerSaysIsGoneAtOnce(t *testing.T) {
	admin := func(*bubble) *profile.Person {
		p := entryOf("admin")
		p.Permissions, p.Accounts[0].AccountAdmin = []string{"users:write"}, true
		return p
	}
	for name, err := range map[string]error{
		"an answer that cannot be mapped":                &profile.Unmapped{Err: errTrouble},
		"an entry of which no session can be made":       profile.ErrInvalid,
		"one that cannot be mapped, wrapped by who asks": fmt.Errorf("directory crm: %w", &profile.Unmapped{Err: errTrouble}),
	} {
		inBubble(t, name+" takes roles, permissions and the administration of accounts", func(b *bubble) {
			b.login.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) { return admin(b), nil })
			if _, err := b.ada.refresh(b.g); err != nil {
				b.Fatal(err)
			}
			b.ada.wantRoles(b.g, "admin")
			pass(refreshedEvery)
			b.login.fails(err)
			b.visit()
			s := b.ada.now(b.g)
			if s == nil {
				b.Fatal("somebody was signed out by a source's slip")
			}
			if len(s.User.FlatRolesList)+len(s.User.FlatPermissionsList) > 0 || s.User.Accounts[0].AccountAdmin || s.User.PrimaryAccount.AccountAdmin {
				b.Errorf("left is %+v", s.User)
			}
			if !s.Unmapped || len(s.User.Accounts) != 2 {
				b.Errorf("the session is %+v", s)
			}
			told := b.g.ear.heard[len(b.g.ear.heard)-2]
			if told.Kind != lifecycle.Unmapped || told.Login != "teller" || told.UserID != 1 || told.Session != s.Key || told.Err == nil {
				b.Errorf("told of %+v", told)
			}
		})
	}
	inBubble(t, "the next answer that can be mapped heals it", func(b *bubble) {
		b.login.fails(&profile.Unmapped{Err: errTrouble})
		b.visit()
		b.ada.wantRoles(b.g)
		pass(refreshedEvery)
		b.login.grants("editor")
		b.visit()
		b.ada.wantRoles(b.g, "editor")
		if b.ada.now(b.g).Unmapped {
			b.Error("it is still said to be unmapped")
		}
	})
	inBubble(t, "who asks for a refresh is told what it was, with the session that is left", func(b *bubble) {
		b.login.fails(&profile.Unmapped{Err: errTrouble})
		s, err := b.ada.refresh(b.g)
		if !errors.Is(err, lifecycle.ErrUnmapped) || s == nil || !s.Unmapped {
			b.Errorf("answered with %+v, %v", s, err)
		}
	})
	inBubble(t, "a write of another gateway in between, from a newer answer, stands", func(b *bubble) {
		b.login.fails(&profile.Unmapped{Err: errTrouble})
		b.writesBetween(func(newer *sessionstore.Session) {
			newer.BuiltAt = time.Now().Add(time.Second)
			newer.User.FlatRolesList = []string{"editor"}
		})
		b.visit()
		b.ada.wantRoles(b.g, "editor")
	})
}
