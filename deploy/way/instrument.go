package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
)

// recorderFolder is where the recorder stands in a module, and recorderName is
// what the changed files call it.
const (
	recorderFolder = "deploy/way/recorder"
	recorderName   = "wayRecorder"
)

// literal is the name of functions that have none.
const literal = "func"

// insertion is text that goes into a file.
type insertion struct {
	at   int // offset in bytes
	text string
}

// instrument has every function of a Go file tell the recorder that it was
// entered. Lines keep their numbers. name is what the file is called in the
// lists; a file without functions stays as it is.
func instrument(source []byte, name, recorderPath string) ([]byte, error) {
	files := token.NewFileSet()
	syntax, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	var calls []insertion
	ast.Inspect(syntax, func(n ast.Node) bool {
		if function, body := functionOf(n); body != nil {
			calls = append(calls, insertion{offset(body.Lbrace) + 1, fmt.Sprintf("defer %s.Enter(%q, %q)();", recorderName, name, function)})
		}
		return true
	})
	if len(calls) == 0 {
		return source, nil
	}
	imports := insertion{offset(syntax.Name.End()), fmt.Sprintf("; import %s %q", recorderName, recorderPath)}
	return insert(source, append(calls, imports)), nil
}

// functionOf is a function's name and body; of anything else there is no body.
func functionOf(n ast.Node) (name string, body *ast.BlockStmt) {
	switch f := n.(type) {
	case *ast.FuncDecl:
		return f.Name.Name, f.Body
	case *ast.FuncLit:
		return literal, f.Body
	}
	return "", nil
}

func insert(source []byte, insertions []insertion) []byte {
	slices.SortFunc(insertions, func(a, b insertion) int { return a.at - b.at })
	var out bytes.Buffer
	from := 0
	for _, i := range insertions {
		out.Write(source[from:i.at])
		out.WriteString(i.text)
		from = i.at
	}
	out.Write(source[from:])
	return out.Bytes()
}
