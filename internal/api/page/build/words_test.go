package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	wordLine = regexp.MustCompile(`^  "([^"]+)": \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$`)
	place    = regexp.MustCompile(`\{\w+\}`)
	han      = regexp.MustCompile(`\p{Han}`)
)

// sources reads the page's sources of one kind, without its tests.
func sources(t *testing.T, pattern string) map[string]string {
	t.Helper()
	root, err := pageRoot()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(root, "src", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources %s: %v", pattern, err)
	}
	all := map[string]string{}
	for _, name := range names {
		if strings.Contains(name, ".test.") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = string(b)
	}
	return all
}

// TestWords reads the catalogue: each word is there in both languages, with the same places to fill, and is used.
func TestWords(t *testing.T) {
	words := map[string][2]string{}
	for file, text := range sources(t, "words*.ts") {
		table, ok := strings.CutPrefix(text[strings.Index(text, " = {"):], " = {\n")
		if !ok {
			t.Fatalf("%s has no table", file)
		}
		table, _, _ = strings.Cut(table, "\n} as const")
		for line := range strings.Lines(table) {
			line = strings.TrimRight(line, "\n")
			m := wordLine.FindStringSubmatch(line)
			switch {
			case m == nil && strings.TrimSpace(line) != "":
				t.Errorf("%s: not a word with two languages: %s", file, line)
			case m == nil:
			case words[m[1]] != [2]string{}:
				t.Errorf("%s: %s is there twice", file, m[1])
			default:
				words[m[1]] = [2]string{m[2], m[3]}
			}
		}
	}
	if len(words) < 250 {
		t.Fatalf("only %d words were found", len(words))
	}
	for key, w := range words {
		en, zh := place.FindAllString(w[0], -1), place.FindAllString(w[1], -1)
		slices.Sort(en)
		slices.Sort(zh)
		if !slices.Equal(slices.Compact(en), slices.Compact(zh)) {
			t.Errorf("%s has the places %v in English and %v in Chinese", key, en, zh)
		}
		if han.MatchString(w[0]) && key != "language" && key != "app.other" {
			t.Errorf("%s: %q is not English", key, w[0])
		}
		for _, s := range w {
			if s == "" || strings.TrimSpace(s) != s || strings.ContainsAny(s, "!！") {
				t.Errorf("%s: %q is empty, has space around it or shouts", key, s)
			}
		}
	}
	code := ""
	for file, text := range sources(t, "*.ts*") {
		if !strings.HasPrefix(file, "words") {
			code += text
		}
	}
	// Keys that the code puts together from what the API says, and those beside the one that is named.
	made := regexp.MustCompile(`^(reason|hint|how|choice|receipt|codec|theme|tab|room\.state|fig\.by|unit|admit|invite\.how|via|peer\.state|gap\.why)\.|^(listen|connect|app.*)$`)
	for key := range words {
		if !made.MatchString(key) && !strings.Contains(code, `"`+key+`"`) {
			t.Errorf("nothing says %s", key)
		}
	}
}

// TestReasons holds the catalogue to the reasons that a connection may end or fail for: they come as words that do
// not change, and the page says them in its language.
func TestReasons(t *testing.T) {
	root, err := pageRoot()
	if err != nil {
		t.Fatal(err)
	}
	words := sources(t, "words.tcp.ts")["words.tcp.ts"]
	n := 0
	for file, reason := range map[string]string{"end.go": `Reason\s+= "([^"]+)"`, "dial.go": `return "([^"]+)"`} {
		b, err := os.ReadFile(filepath.Join(root, "../../link", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(reason).FindAllStringSubmatch(string(b), -1) {
			if n++; !strings.Contains(words, `"reason.`+m[1]+`":`) {
				t.Errorf("no words for the reason %q of internal/link/%s", m[1], file)
			}
		}
	}
	b, err := os.ReadFile(filepath.Join(root, "../../wire/code.go"))
	if err != nil {
		t.Fatal(err)
	}
	keys := sources(t, "words.native.ts")["words.native.ts"]
	for _, m := range regexp.MustCompile(`\{"([^"]+)", (?:true|false), `).FindAllStringSubmatch(string(b), -1) {
		if n++; !strings.Contains(words+keys, `"reason.`+m[1]+`":`) {
			t.Errorf("no words for the close code %q", m[1])
		}
	}
	if n < 36 {
		t.Errorf("only %d reasons were found", n)
	}
}

var (
	markup   = regexp.MustCompile(`>([^<>{}]*\p{L}[^<>{}]*)</`)
	spoken   = regexp.MustCompile(`(?:aria-label|title|placeholder|alt)="([^"]*)"`)
	comments = regexp.MustCompile(`(?m)^\s*//.*$|\s//\s.*$`)
)

// TestNoWordsElsewhere looks for what a person would read and the catalogue does not hold.
func TestNoWordsElsewhere(t *testing.T) {
	for file, text := range sources(t, "*.ts*") {
		if strings.HasPrefix(file, "words") {
			continue
		}
		text = comments.ReplaceAllString(text, "")
		for line := range strings.Lines(text) {
			if han.MatchString(line) {
				t.Errorf("%s: Chinese outside of the catalogue: %s", file, strings.TrimSpace(line))
			}
		}
		if !strings.HasSuffix(file, ".tsx") {
			continue
		}
		for _, m := range append(markup.FindAllStringSubmatch(text, -1), spoken.FindAllStringSubmatch(text, -1)...) {
			if s := strings.TrimSpace(m[1]); s != "" && !strings.Contains(s, "=>") && !strings.Contains(s, ";") {
				t.Errorf("%s: %q is outside of the catalogue", file, s)
			}
		}
	}
}
