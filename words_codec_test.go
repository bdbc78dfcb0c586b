package tincan

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tincan/codec"
)

// TestCodecErrorsInChinese: what a codec says reaches the reader in the reader's language, with its figures.
func TestCodecErrorsInChinese(t *testing.T) {
	n, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, tt := range []struct{ addr, en, zh string }{
		{"lnies://:1", `no codec "lnies", did you mean lines?`, `没有 "lnies" 这种编码，是不是 lines？`},
		{"lines://:1?colour=red", `lines has no option "colour"`, `lines 没有选项 "colour"`},
		{"len8://:1?max=1MiB", "len8: max=1MiB is not possible (it is 1 to 255)", "len8：max=1MiB 不行（1 到 255）"},
		{"fixed://:1", "fixed: it needs n=1 to 16777216", "fixed：需要 n=1 到 16777216"},
	} {
		_, err := n.Listen(t.Context(), tt.addr)
		en, _, code := ExplainIn("en", err)
		zh, _, _ := ExplainIn("zh", err)
		if !strings.Contains(en, tt.en) || !strings.Contains(zh, tt.zh) || code != CodeUsage {
			t.Errorf("%s: %q, %q (%s); want %q, %q", tt.addr, en, zh, code, tt.en, tt.zh)
		}
	}
	r, err := n.Dial(t.Context(), "lines://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.Send(t.Context(), r.Name, []byte("two\nlines"))
	text, hint, _ := ExplainIn("zh", err)
	if text != "lines: 一行里不能有换行" || !strings.HasPrefix(hint, "分成几行发送") {
		t.Errorf("said %q, %q", text, hint)
	}
	var ce *codec.Error
	if !errors.As(err, &ce) || ce.Kind != codec.Unsayable {
		t.Errorf("%v does not wrap the codec's error", err)
	}
}

// TestCodecWordsAreWhole reads the sentences of package codec from its source: each is in the catalogue, with the
// same verbs, and the catalogue has no other.
func TestCodecWordsAreWhole(t *testing.T) {
	files, err := filepath.Glob("codec/*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	said := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil && strings.Contains(s, " ") && len(s) > 8 && !strings.HasPrefix(s, "codec: ") && !strings.HasPrefix(s, ",") {
					said[s] = true
				}
			}
			return true
		})
	}
	verb := regexp.MustCompile(`%(\[\d+\])?[-+#.0-9]*[a-zA-Z]`)
	bare := func(s string) string { return strings.Join(verb.FindAllString(s, -1), " ") }
	for s := range said {
		zh, ok := chineseOfCodecs[s]
		if !ok {
			t.Errorf("not in the catalogue: %q", s)
		} else if bare(s) != bare(zh) {
			t.Errorf("%q has verbs %q, in Chinese %q", s, bare(s), bare(zh))
		}
	}
	for s := range chineseOfCodecs {
		begin, _, _ := strings.Cut(s, ", or ")
		if !said[s] && !said[begin] {
			t.Errorf("nothing says %q", s)
		}
	}
}
