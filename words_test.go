package tincan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPhrasesInChinese: what this package says in words is in the catalogue, with the same verbs.
func TestPhrasesInChinese(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	verb := regexp.MustCompile(`%(\[\d+\])?[-+#.0-9]*[a-zA-Z]`)
	bare := func(s string) string { return strings.Join(verb.FindAllString(s, -1), " ") }
	phrases := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			args := 0
			if name, ok := call.Fun.(*ast.Ident); ok {
				args = map[string]int{"say": 1, "usage": 2}[name.Name] // the hint and the format of usage
			}
			for _, a := range call.Args[:min(args, len(call.Args))] {
				l, ok := a.(*ast.BasicLit)
				if !ok {
					continue
				}
				s, err := strconv.Unquote(l.Value)
				if err != nil || !regexp.MustCompile(`\pL`).MatchString(verb.ReplaceAllString(s, "")) { // nothing but verbs
					continue
				}
				phrases++
				zh, ok := chinese[s]
				if !ok {
					t.Errorf("%s: not in the catalogue: %q", f, s)
				} else if !strings.Contains(zh, "%[") && bare(s) != bare(zh) {
					t.Errorf("%q has verbs %q, in Chinese %q", s, bare(s), bare(zh))
				}
			}
			return true
		})
	}
	if phrases < 100 {
		t.Errorf("only %d phrases were found", phrases)
	}
}
