package tui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tincan/codec"
)

var verb = regexp.MustCompile(`%(?:\[(\d)\])?[.\d]*([a-z])`)

// verbs are the verbs of a format with the arguments that they take, in the order of the arguments.
func verbs(format string) []string {
	var out []string
	next := 1
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		out = append(out, strconv.Itoa(next)+m[2])
		next++
	}
	slices.Sort(out)
	return out
}

func TestCatalogue(t *testing.T) {
	for key, e := range catalogue {
		if e[0] == "" || e[1] == "" {
			t.Errorf("%s lacks a language", key)
		}
		if !slices.Equal(verbs(e[0]), verbs(e[1])) {
			t.Errorf("%s: verbs %v in English, %v in Chinese", key, verbs(e[0]), verbs(e[1]))
		}
		for _, w := range e {
			if strings.HasSuffix(w, ".") || strings.HasSuffix(w, "。") || strings.Contains(w, "!") || Clean(w) != w {
				t.Errorf("%s breaks the rules: %q", key, w)
			}
		}
	}
}

// TestSampleWords holds the status words of the sample.
func TestSampleWords(t *testing.T) {
	want := map[string]string{"listening": "正在监听", "waiting": "等待连接", "accepted": "接受到连接", "stopped": "停止监听", "ready": "就绪",
		"connecting": "正在连接…", "connected": "连接成功", "failed": "连接失败", "sending": "正在发送…", "done": "完毕", "disconnected": "断开了连接"}
	for key, w := range want {
		if got := wordsOf("zh").t("step." + key); got != w {
			t.Errorf("step.%s is %q, want %q", key, got, w)
		}
	}
}

// TestWordsUsed checks that every key in the source is in the catalogue, and every word is used.
func TestWordsUsed(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	fset := token.NewFileSet()
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") || strings.HasPrefix(f.Name(), "words") {
			continue
		}
		file, err := parser.ParseFile(fset, f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				s, _ := strconv.Unquote(lit.Value)
				used[s] = true
			}
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "t" && len(call.Args) > 0 {
					if lit, ok := call.Args[0].(*ast.BasicLit); ok {
						key, _ := strconv.Unquote(lit.Value)
						if _, ok := catalogue[key]; !ok && !strings.HasSuffix(key, ".") {
							t.Errorf("%s: no word %q", fset.Position(lit.Pos()), key)
						}
					}
				}
			}
			return true
		})
	}
	made := []string{"step.", "phase.", "choice.", "reason.", "hint.", "receipt.", "codec.", "help.", "span.", "state.", "via.", "gap.", "peer."}
	for key := range catalogue {
		first, _, _ := strings.Cut(key, ".")
		prefix := first + "."
		if !used[key] && !slices.Contains(made, prefix) {
			t.Errorf("%s is not used", key)
		}
	}
	for _, b := range bindings() {
		if _, ok := catalogue[b.help]; !ok {
			t.Errorf("no word %q", b.help)
		}
	}
	for _, c := range commands() {
		if _, ok := catalogue[c.help]; !ok {
			t.Errorf("no word %q", c.help)
		}
	}
	for _, n := range codecNames {
		if c, err := codec.Parse(n); err != nil || c.String() != n {
			t.Errorf("codec %q: %v, %v", n, c, err)
		}
		if _, ok := catalogue["codec."+strings.SplitN(n, "?", 2)[0]]; !ok {
			t.Errorf("no word for codec %q", n)
		}
	}
}
