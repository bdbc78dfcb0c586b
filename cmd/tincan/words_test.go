package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"tincan/codec"
)

// spoken are the phrases that the program's source says in the user's language.
func spoken(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	fset := token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && (sel.Sel.Name == "t" || sel.Sel.Name == "say") && len(n.Args) > 0 {
					if lit, ok := n.Args[0].(*ast.BasicLit); ok {
						key, _ := strconv.Unquote(lit.Value)
						said[key] = fset.Position(lit.Pos()).String()
					}
				}
			case *ast.CompositeLit:
				if id, ok := n.Type.(*ast.Ident); !ok || id.Name != "notObject" || len(n.Elts) == 0 {
					return true
				}
				e := n.Elts[0]
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					e = kv.Value
				}
				key, _ := strconv.Unquote(e.(*ast.BasicLit).Value)
				said[key] = fset.Position(e.Pos()).String()
			}
			return true
		})
	}
	return said
}

// Every phrase is there in both languages, with the same verbs in the same order.
func TestWords(t *testing.T) {
	said := spoken(t)
	for _, key := range []string{"%s", "codec "} {
		delete(said, key)
	}
	for key, where := range said {
		zh, ok := chinese[key]
		if !ok {
			t.Errorf("%s: %q is not in the Chinese catalogue", where, key)
			continue
		}
		en := key
		if s, ok := english[key]; ok {
			en = s
		}
		if got, want := verbs(zh), verbs(en); got != want {
			t.Errorf("%q has the verbs %q in Chinese, %q in English", key, got, want)
		}
	}
	for key := range english {
		if _, ok := chinese[key]; !ok {
			t.Errorf("%q is only English", key)
		}
	}
	for _, name := range codec.Names() {
		if _, ok := english["codec "+name]; !ok {
			t.Errorf("codec %s is not described", name)
		}
		if _, ok := codecOptions[name]; !ok {
			t.Errorf("the options of codec %s are not listed", name)
		}
	}
}

func verbs(s string) string {
	var out []string
	for i := 0; i < len(s)-1; i++ {
		if s[i] == '%' {
			out = append(out, s[i:i+2])
			i++
		}
	}
	return strings.Join(out, " ")
}

// Every word in the Chinese catalogue is said somewhere: by its key, or as the reason, phase or choice of a link.
func TestWordsUsed(t *testing.T) {
	said := spoken(t)
	var source []byte
	for _, pattern := range []string{"../../*.go", "../../internal/link/*.go", "../../internal/journal/*.go", "../../internal/wire/*.go"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			source = append(source, b...)
		}
	}
	for key := range chinese {
		bare := strings.TrimPrefix(key, "hint:")
		if _, ok := said[key]; !ok && !bytes.Contains(source, []byte(strconv.Quote(bare))) && !strings.HasPrefix(key, "codec ") {
			t.Errorf("%q is not said anywhere", key)
		}
	}
}

// Every help fits a terminal of 80 columns, and in Chinese it is Chinese.
func TestHelpFits(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		var out bytes.Buffer
		c := &cli{in: strings.NewReader(""), out: &out, err: &out, lang: lang}
		root := c.root()
		var walk func(*cobra.Command)
		walk = func(cmd *cobra.Command) {
			out.Reset()
			c.help(cmd)
			checkHelp(t, lang, cmd.CommandPath(), out.String())
			for _, sub := range cmd.Commands() {
				walk(sub)
			}
		}
		walk(root)
		out.Reset()
		c.helpAddresses(&out)
		checkHelp(t, lang, "help addresses", out.String())
	}
}

func checkHelp(t *testing.T, lang, name, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if w := ansi.StringWidth(line); w > 80 {
			t.Errorf("%s, %s: %d columns: %s", lang, name, w, line)
		}
	}
	han := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) && r != '你' && r != '好' })
	if han != (lang == "zh") {
		t.Errorf("%s, %s: Chinese: %v\n%s", lang, name, han, text)
	}
}

// What completion offers as an option is one.
func TestCodecOptions(t *testing.T) {
	values := map[string]string{"end=": "0D", "start=": "0B", "n=": "16", "ms=": "20"}
	for name, options := range codecOptions {
		for _, o := range options {
			spec := name + "?" + o + values[o]
			if o == "start=" {
				spec += "&end=0D"
			}
			if _, err := codec.Parse(spec); err != nil {
				t.Errorf("%s: %v", spec, err)
			}
		}
	}
}
