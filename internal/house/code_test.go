package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	longestFile     = 500 // tests, which are tables and stories, may be half as long again
	longestFunction = 80
	mostNames       = 84 // of the library: types, functions, methods, variables, constants
)

// longer are the files and functions that may be longer, with the reason.
var longer = map[string]string{}

// parse reads the Go files of the repository that match.
func parse(t *testing.T, match func(name string) bool) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	names, content := written(t, ".go")
	set, parsed := token.NewFileSet(), map[string]*ast.File{}
	for _, name := range names {
		if !match(name) {
			continue
		}
		f, err := parser.ParseFile(set, name, content[name], parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = f
	}
	return set, parsed
}

func TestLengths(t *testing.T) {
	excused := map[string]bool{}
	check := func(what string, lines, limit int) {
		if strings.Contains(what, "_test.go") {
			limit += limit / 2
		}
		if lines <= limit {
			return
		}
		if excused[what] = true; longer[what] == "" {
			t.Errorf("%s has %d lines, more than %d: split it, or give a reason here", what, lines, limit)
		}
	}
	names, content := written(t, ".go", ".ts", ".tsx", ".css", ".cs")
	for _, name := range names {
		check(name, strings.Count(content[name], "\n"), longestFile)
	}
	set, parsed := parse(t, func(string) bool { return true })
	for name, file := range parsed {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				check(name+" "+f.Name.Name, set.Position(f.End()).Line-set.Position(f.Pos()).Line+1, longestFunction)
			}
		}
	}
	for what := range longer {
		if !excused[what] {
			t.Errorf("%s is not too long; it needs no reason", what)
		}
	}
}

// TestComments looks for what is exported and says nothing about itself. What implements an interface of the
// standard library is documented there, and the constants that are a type's values beside the type.
func TestComments(t *testing.T) {
	known := []string{"Error", "Unwrap", "String", "MarshalJSON", "UnmarshalJSON", "ServeHTTP"}
	_, parsed := parse(t, func(name string) bool { return !strings.HasSuffix(name, "_test.go") })
	packages := map[string]bool{}
	public := 0
	for name, file := range parsed {
		packages[path.Dir(name)] = packages[path.Dir(name)] || file.Doc != nil
		for _, d := range file.Decls {
			for _, n := range exported(d) {
				if slices.Contains(known, n.name) {
					continue
				}
				if path.Dir(name) == "." {
					public++
				}
				if !n.documented {
					t.Errorf("%s: %s is exported and has no comment", name, n.name)
				}
			}
		}
	}
	for dir, documented := range packages {
		if !documented {
			t.Errorf("package %s has no comment", dir)
		}
	}
	t.Logf("package tincan exports %d names", public)
	if public > mostNames {
		t.Errorf("package tincan exports %d names, more than %d", public, mostNames)
	}
}

type exportedName struct {
	name       string
	documented bool
}

// exported returns the names that a declaration exports, but for the constants that are a type's values.
func exported(d ast.Decl) (names []exportedName) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || receiver(d.Recv.List[0].Type).IsExported()) {
			names = append(names, exportedName{d.Name.Name, d.Doc != nil})
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					names = append(names, exportedName{s.Name.Name, d.Doc != nil || s.Doc != nil})
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && (d.Tok == token.VAR || s.Type == nil) {
					names = append(names, exportedName{s.Names[0].Name, d.Doc != nil || s.Doc != nil || s.Comment != nil})
				}
			}
		}
	}
	return names
}

func receiver(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e
	}
	return ast.NewIdent("_")
}

// TestWords looks for words that do not belong in a repository: notes to oneself, and the hosts of package
// registries, which are everybody's own setting.
func TestWords(t *testing.T) {
	words := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|proxy\.gol` + `ang|sum\.gol` + `ang|registry\.np` + `mjs|registry\.ya` + `rnpkg|deb\.deb` + `ian|/work/ma` + `in|/root/g` + `o`)
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range all {
		if m := words.FindString(content); m != "" && path.Base(name) != "go.sum" {
			t.Errorf("%s has the word %q", name, m)
		}
	}
}
