package gatewaytest

import (
	"fmt"
	"strings"
)

// The people of the users file of the tests. Their hashes are cheap on purpose.
const (
	Ada      = "ada@example.com"   // admin of acme, member of globex
	Grace    = "grace@example.com" // viewer, no accounts
	Linus    = "linus@example.com" // disabled
	Password = "correct horse battery staple"
)

// PasswordHash is argon2id of Password with m=64,t=1,p=1.
const PasswordHash = "$argon2id$v=19$m=64,t=1,p=1$c2lkZWdhdGUtdGVzdC1zYWx0$oTLkXkLUVwxfonMQa7fFoDmldh0ucNpBPQbDhn//lUc"

// UsersFile is the users file of the tests.
var UsersFile = `users:
  - id: 1
    email: ada@example.com
    password: ` + PasswordHash + `
    roles: [admin]
    permissions: [reports:run]
    accounts:
      - { accountId: acme, accountName: Acme Ltd, accountAdmin: true }
      - { accountId: globex, accountName: Globex }
    primaryAccount: acme
    createdBy: ops@example.com
    createdAt: 2024-01-02T03:04:05Z
  - id: 2
    email: grace@example.com
    password: ` + PasswordHash + `
    roles: [viewer]
  - id: 3
    email: linus@example.com
    password: ` + PasswordHash + `
    disabled: true
`

// EmailOf is the address of somebody in UsersFileOf.
func EmailOf(id int) string { return fmt.Sprintf("person-%d@example.com", id) }

// UsersFileOf is a users file of that many people, whose ids begin at 1.
func UsersFileOf(count int) string {
	var file strings.Builder
	file.WriteString("users:\n")
	for id := 1; id <= count; id++ {
		fmt.Fprintf(&file, "  - { id: %d, email: %s, password: %q }\n", id, EmailOf(id), PasswordHash)
	}
	return file.String()
}
