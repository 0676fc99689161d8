package legacy

// User is a row of the app's table, as its login answers it, but for the
// password.
type User struct {
	ID        string `json:"user_id"` // such as "ADA01"
	Email     string `json:"email"`
	Password  string `json:"-"`
	Name      string `json:"full_name"`
	Active    string `json:"active"`   // Y or N; N may not sign in
	Admin     string `json:"is_admin"` // Y or N
	Roles     string `json:"roles"`    // "admin, editor"
	Rights    string `json:"rights"`   // "orders:read,orders:write"
	CreatedAt string `json:"created_at"`
	CreatedBy string `json:"created_by"`
	// UpdatedAt may be MySQL's "0000-00-00 00:00:00", which is no date.
	UpdatedAt string `json:"updated_at"`
	// Companies are those that the user works for; Company is the code of the
	// one to begin with.
	Company   string    `json:"company"`
	Companies []Company `json:"companies"`
}

// Company is an account of the app.
type Company struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	Owner string `json:"owner"` // Y or N
}

// DemoPassword is that of all demo users.
const DemoPassword = "legacy-demo"

// DemoUsers are Ada, who administers, Grace, who does not, and Linus, who is
// not active.
func DemoUsers() []User {
	acme, globex := Company{"ACME", "Acme Ltd", "Y"}, Company{"GLOBEX", "Globex", "N"}
	return []User{
		{
			ID: "ADA01", Email: "ada@example.com", Password: DemoPassword, Name: "Ada", Active: "Y", Admin: "Y",
			Roles: "admin, editor", Rights: "orders:read,orders:write", CreatedAt: "2019-03-04 05:06:07",
			CreatedBy: "ops@example.com", UpdatedAt: "2024-02-29 23:59:59", Company: "GLOBEX", Companies: []Company{acme, globex},
		},
		{
			ID: "GRA02", Email: "grace@example.com", Password: DemoPassword, Name: "Grace", Active: "Y", Admin: "N",
			Roles: "viewer", CreatedAt: "2020-01-01 00:00:00", CreatedBy: "ada@example.com",
			UpdatedAt: "0000-00-00 00:00:00", Company: "ACME", Companies: []Company{{"ACME", "Acme Ltd", "N"}},
		},
		{
			ID: "LIN03", Email: "linus@example.com", Password: DemoPassword, Name: "Linus", Active: "N", Admin: "N",
			CreatedAt: "2021-06-30 12:00:00", UpdatedAt: "0000-00-00 00:00:00", Companies: []Company{},
		},
	}
}
