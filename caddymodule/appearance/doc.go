// Package appearance reads what a configuration says of the pages of its gateway: whose
// they are, a logo, a colour, whom to ask, and templates and texts of the operator's own.
//
// All of it is read and tried when the configuration is loaded, and what people could
// not read, or what the policy of the pages would not let them see, is an error then.
//
// Begin reading at config.go; colour.go, picture.go and folder.go are what the options
// name, markup.go what is held against a page that a template has made, and place.go where
// in the template that stands.
package appearance
