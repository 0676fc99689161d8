package main

import (
	"strings"
	"testing"
)

func TestEveryFunctionTellsTheRecorder(t *testing.T) {
	const enter = `defer wayRecorder.Enter("a/a.go", `
	for _, c := range []struct{ name, source, want string }{
		{"a function", "package a\n\nfunc F() int {\n\treturn 1\n}", "package a; import wayRecorder \"m/r\"\n\nfunc F() int {" + enter + "\"F\")();\n\treturn 1\n}"},
		{"a method", "package a\nfunc (t T) M() {}", "package a; import wayRecorder \"m/r\"\nfunc (t T) M() {" + enter + "\"M\")();}"},
		{
			"a literal, and one in another", "package a\nvar f = func() func() { return func() {} }",
			"package a; import wayRecorder \"m/r\"\nvar f = func() func() {" + enter + "\"func\")(); return func() {" + enter + "\"func\")();} }",
		},
		{"comments stay where they are", "// Package a is.\npackage a // so\nfunc F() { // why\n}", "// Package a is.\npackage a; import wayRecorder \"m/r\" // so\nfunc F() {" + enter + "\"F\")(); // why\n}"},
		{"a function without a body is none of ours", "package a\nfunc F()", "package a\nfunc F()"},
		{"a file without functions stays as it is", "package a\ntype T struct{}", "package a\ntype T struct{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := instrument([]byte(c.source), "a/a.go", "m/r")
			if err != nil || string(got) != c.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, c.want)
			}
			if strings.Count(string(got), "\n") != strings.Count(c.source, "\n") {
				t.Error("lines have other numbers")
			}
		})
	}
	if _, err := instrument([]byte("package"), "a/a.go", "m/r"); err == nil {
		t.Error("a file that is no Go is taken for one")
	}
}
