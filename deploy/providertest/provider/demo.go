package provider

// DemoPeople are Ada, who administers, Grace, whose address was not verified,
// and Linus, who has next to no claims. Their claims are as Keycloak has them.
func DemoPeople() []Person {
	return []Person{
		{
			Subject: "f3a1c0de-0001", Email: "ada@example.com", Name: "Ada",
			Claims: map[string]any{
				"uid":          1001,
				"groups":       []string{"/staff", "/staff/admins"},
				"realm_access": map[string]any{"roles": []string{"admin", "offline_access"}},
				"organization": map[string]any{
					"acme":   map[string]any{"id": "0b0e-acme", "name": []string{"Acme Ltd"}},
					"globex": map[string]any{"id": "0b0e-globex"},
				},
			},
		},
		{
			Subject: "f3a1c0de-0002", Email: "grace@example.com", Name: "Grace", Unverified: true,
			Claims: map[string]any{
				"uid":          1002,
				"groups":       []string{"/staff"},
				"realm_access": map[string]any{"roles": []string{"viewer"}},
				"organization": map[string]any{"acme": map[string]any{"id": "0b0e-acme"}},
			},
		},
		{Subject: "f3a1c0de-0003", Email: "linus@example.com"},
	}
}
