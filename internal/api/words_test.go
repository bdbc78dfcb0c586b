package api

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestWords finds every phrase of the package in the catalogue, and nothing else, with the same verbs.
func TestWords(t *testing.T) {
	used := map[string]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name, ok := call.Fun.(*ast.Ident)
			if !ok || len(call.Args) == 0 || (name.Name != "say" && name.Name != "stale") {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				used[s] = true
			}
			return true
		})
	}
	verbs := regexp.MustCompile(`%[a-z]`)
	for s := range used {
		zh, ok := chinese[s]
		if !ok {
			t.Errorf("not in the catalogue: %s", s)
		}
		if got, want := fmt.Sprint(verbs.FindAllString(zh, -1)), fmt.Sprint(verbs.FindAllString(s, -1)); got != want {
			t.Errorf("%s: verbs %s, want %s", s, got, want)
		}
		if strings.HasSuffix(s, ".") || strings.HasSuffix(zh, "。") {
			t.Errorf("%s: ends with a full stop", s)
		}
	}
	for s := range chinese {
		if !used[s] {
			t.Errorf("in the catalogue, and nowhere else: %s", s)
		}
	}
}
