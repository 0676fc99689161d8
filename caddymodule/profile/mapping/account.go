package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// accountKeys are the keys of an account, as in the users file.
var accountKeys = []string{"accountId", "accountName", "accountAdmin", "usersPrimaryAccount"}

// readAccounts reads a list of accounts, or a lone one as a list of one.
func readAccounts(v ref.Val, expr string) ([]sessionstore.Account, error) {
	switch lone := v.(type) {
	case types.String:
		if isJoined(string(lone)) {
			return nil, errJoined
		}
		v = asList(v)
	case types.Null, traits.Mapper:
		v = asList(v)
	}
	return readList(v, "list of maps", profile.MaxAccounts, func(v ref.Val) (sessionstore.Account, error) {
		return readAccount(v, expr)
	})
}

// readAccount reads one account; a text is its id. A key that it does not know is refused: a
// slip in accountAdmin would make nobody an admin, and nobody would know why.
func readAccount(v ref.Val, expr string) (a sessionstore.Account, err error) {
	if id, ok := v.(types.String); ok {
		v = types.DefaultTypeAdapter.NativeToValue(map[string]string{"accountId": string(id)})
	}
	m, ok := v.(traits.Mapper)
	if !ok {
		return a, mismatch("map", typeName(v))
	}
	known := types.Int(0)
	for _, key := range accountKeys {
		value, there := m.Find(types.String(key))
		if !there {
			continue
		}
		known++
		if err := setAccount(&a, key, value); err != nil {
			return a, fmt.Errorf("%s: %w", key, err)
		}
	}
	if m.Size() != known {
		return a, strangeKey(m, expr)
	}
	if a.AccountID == "" {
		return a, errors.New("an account without accountId")
	}
	return a, nil
}

func setAccount(a *sessionstore.Account, key string, v ref.Val) (err error) {
	switch key {
	case "accountId":
		a.AccountID, err = readAccountID(v)
	case "accountName":
		a.AccountName, err = readText(v, profile.MaxText)
	case "accountAdmin":
		a.AccountAdmin, err = readTruth(v, "")
	case "usersPrimaryAccount":
		a.UsersPrimaryAccount, err = readTruth(v, "")
	}
	return err
}

// readAccountID takes a number too: many an app counts its accounts.
func readAccountID(v ref.Val) (string, error) {
	if n, ok := v.(types.Int); ok {
		return strconv.FormatInt(int64(n), 10), nil
	}
	if _, ok := v.(types.String); !ok {
		return "", mismatch("string or int", typeName(v))
	}
	return readText(v, profile.MaxName)
}

// strangeKey names the first key of an account that is not one of accountKeys.
func strangeKey(m traits.Mapper, expr string) error {
	var strange []string
	for i := m.Iterator(); i.HasNext() == types.True; {
		key, ok := i.Next().(types.String)
		if !ok {
			return errors.New("a key of an account is not a string")
		}
		if !slices.Contains(accountKeys, string(key)) {
			strange = append(strange, string(key))
		}
	}
	first := slices.Min(strange)
	return fmt.Errorf("unknown key %s: an account has %s", shownKey(first, expr), strings.Join(accountKeys, ", "))
}
