package token_test

// What the first build made of secretA (and secretB), at start.
const (
	goldenES256   = "Un6d2b32PaB2SmB4FjI34tbip2x2EQ3CkwAdUm1j6Uo"
	goldenEdDSA   = "08lP0JbVrK_FznOgAdEPo4j3UXgUW1IhfpHxXt6bCVk"
	goldenSealing = "b75e67549ae4570b"
	goldenCookies = "e51c519142b2f5e4"
)

// goldenTokens are session tokens of person 7, by algorithm.
var goldenTokens = map[string]string{
	"ES256": "eyJhbGciOiJFUzI1NiIsImtpZCI6IlVuNmQyYjMyUGFCMlNtQjRGakkzNHRiaXAyeDJFUTNDa3dBZFVtMWo2VW8iLCJ0eXAiOiJzZXNzaW9uK2p3dCJ9." +
		"eyJpc3MiOiJzaWRlZ2F0ZSIsImF1ZCI6InNpZGVnYXRlOnNlc3Npb24iLCJzdWIiOiI3Iiwic2lkIjoiQUFmS05ZZFk5dEotYlBSU2NwTjVkNmRJX1lnNUhiWjV6dHA5eDc4ZkFGN29lUSIsImp0aSI6IkNBWklXRFI0UzdJUFFRSTdQV01HSlRNTU1CIiwiaWF0IjoxODkzNDU2MDAwLCJleHAiOjE4OTM0OTkyMDB9." +
		"UBNgb8SFNBfujj3aPrdXIXI2eQ3sfEmk7qCvfnDmrsJZL-ryR0ycibPkI_Oon6HZnNXR0Pn3sePy8wyIR7B1XA",
	"EdDSA": "eyJhbGciOiJFZERTQSIsImtpZCI6IjA4bFAwSmJWcktfRnpuT2dBZEVQbzRqM1VYZ1VXMUloZnBIeFh0NmJDVmsiLCJ0eXAiOiJzZXNzaW9uK2p3dCJ9." +
		"eyJpc3MiOiJzaWRlZ2F0ZSIsImF1ZCI6InNpZGVnYXRlOnNlc3Npb24iLCJzdWIiOiI3Iiwic2lkIjoiQUFmS05ZZFk5dEotYlBSU2NwTjVkNmRJX1lnNUhiWjV6dHA5eDc4ZkFGN29lUSIsImp0aSI6IkpZU0dBRTQ1WVJWM01WU01CTVU1WlNIT0tZIiwiaWF0IjoxODkzNDU2MDAwLCJleHAiOjE4OTM0OTkyMDB9." +
		"7h7G_IY018X5g7heWY1DcW1gw66iYAvHGmLE274k5Tn-nVu8NolccpYG_sl0oN08JCvBi0i9HVDWwNbw3Gh-Dg",
}
