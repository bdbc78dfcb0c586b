package house

import (
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"tincan"
)

// document is a Markdown file, taken apart.
type document struct {
	headings []string // "## Scripts"
	links    []string // the targets
	code     []string // the lines of fenced code in some language, without comments and what is in quotes
	rows     []string // the cells of tables that are code, joined
	commands []string // what shells are told: lines of code and code in the text
}

var (
	linkTarget = regexp.MustCompile(`\]\(([^)]+)\)`)
	span       = regexp.MustCompile("`([^`]+)`")
	comment    = regexp.MustCompile(`\s*(#|//) .*$`)
	quoted     = regexp.MustCompile(`'[^']*'|"[^"]*"`)
)

func takeApart(text string) (d document) {
	fenced, drawing := false, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced, drawing = !fenced, line == "```"
		case fenced && drawing:
		case fenced:
			d.code = append(d.code, quoted.ReplaceAllString(comment.ReplaceAllString(line, ""), "''"))
			d.commands = append(d.commands, comment.ReplaceAllString(line, ""))
		case strings.HasPrefix(line, "    "):
			d.commands = append(d.commands, comment.ReplaceAllString(strings.TrimSpace(line), ""))
		default:
			if strings.HasPrefix(line, "#") {
				d.headings = append(d.headings, line)
			}
			for _, m := range linkTarget.FindAllStringSubmatch(line, -1) {
				d.links = append(d.links, m[1])
			}
			var spans []string
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				spans = append(spans, m[1])
			}
			d.commands = append(d.commands, spans...)
			if strings.HasPrefix(line, "|") {
				d.rows = append(d.rows, strings.Join(spans, " "))
			}
		}
	}
	return d
}

// anchor is what a heading is called in a link.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimLeft(heading, "# ")) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

func TestLinks(t *testing.T) {
	names, content := written(t, ".md")
	for _, name := range names {
		for _, link := range takeApart(content[name]).links {
			if strings.Contains(link, "://") {
				continue
			}
			file, at, _ := strings.Cut(link, "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, link)
			} else if at != "" && !slices.ContainsFunc(takeApart(content[to]).headings, func(h string) bool { return anchor(h) == at }) {
				t.Errorf("%s links to %s, a heading that is not there", name, link)
			}
		}
	}
}

// TestTwins compares what each document in Chinese has with the English one: headings, commands, table rows.
func TestTwins(t *testing.T) {
	names, content := written(t, ".zh.md")
	for _, name := range names {
		zh, en := takeApart(content[name]), takeApart(content[strings.TrimSuffix(name, ".zh.md")+".md"])
		levels := func(d document) (l []string) {
			for _, h := range d.headings {
				l = append(l, strings.Repeat("#", len(h)-len(strings.TrimLeft(h, "#"))))
			}
			return l
		}
		for _, c := range []struct {
			what   string
			zh, en []string
		}{{"headings", levels(zh), levels(en)}, {"code", zh.code, en.code}, {"tables", zh.rows, en.rows}} {
			for i := range max(len(c.zh), len(c.en)) {
				if i >= len(c.zh) || i >= len(c.en) || c.zh[i] != c.en[i] {
					t.Errorf("%s: %s differ from the English at %q, want %q", name, c.what, c.zh[i:min(i+1, len(c.zh))], c.en[i:min(i+1, len(c.en))])
					break
				}
			}
		}
	}
}

// TestCommands looks for commands, flags and make targets that the documents name and nobody has.
func TestCommands(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "tincan")
	command(t, nil, "go", "build", "-o", bin, "./cmd/tincan")
	help := map[string]string{"": command(t, nil, bin, "help")}
	_, list, _ := strings.Cut(help[""], "Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		name := strings.Fields(line)[0]
		help[name] = command(t, nil, bin, name, "--help")
	}
	help["help"] = help[""]
	makefile := read(t, "Makefile")

	use := regexp.MustCompile(`(?:^|[|;(] *)(?:\./|bin/)?tincan((?: [^|;&)<]+)?)`)
	target := regexp.MustCompile(`^make ([a-z]+)`)
	flag := regexp.MustCompile(`(?:^| )(--[a-z-]+)`)
	names, content := written(t, ".md")
	for _, name := range names {
		for _, line := range takeApart(content[name]).commands {
			line = strings.Replace(line, "go run ./cmd/tincan", "tincan", 1)
			if m := target.FindStringSubmatch(line); m != nil && !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s: the Makefile has no target %q", name, m[1])
			}
			for _, m := range use.FindAllStringSubmatch(line, -1) {
				words := strings.Fields(m[1])
				sub := ""
				if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
					sub = words[0]
				}
				text, ok := help[sub]
				if !ok {
					t.Errorf("%s: %q: tincan has no command %q", name, line, sub)
				}
				for _, f := range flag.FindAllStringSubmatch(m[1], -1) {
					if ok && !strings.Contains(text, f[1]) {
						t.Errorf("%s: %q: tincan %s has no flag %s", name, line, sub, f[1])
					}
				}
			}
		}
	}
}

// TestFiguresAreExplained looks in docs/TCP.md for every figure of a connection and every reason for its end.
func TestFiguresAreExplained(t *testing.T) {
	rows := takeApart(read(t, "docs/TCP.md")).rows
	figures := []string{"handshake_us", "silence_ms"}
	for f := range reflect.TypeFor[tincan.TCP]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		figures = append(figures, name)
	}
	for _, m := range regexp.MustCompile(`Reason = "([^"]+)"`).FindAllStringSubmatch(read(t, "internal/link/end.go"), -1) {
		figures = append(figures, m[1])
	}
	for _, f := range figures {
		if !slices.Contains(rows, f) {
			t.Errorf("docs/TCP.md does not explain %q", f)
		}
	}
	for _, r := range rows {
		if r != "" && !slices.Contains(figures, r) {
			t.Errorf("docs/TCP.md explains %q, which there is not", r)
		}
	}
}

func TestChangelog(t *testing.T) {
	log := read(t, "CHANGELOG.md")
	for _, want := range []string{"## Unreleased", tincan.Version} {
		if !strings.Contains(log, want) {
			t.Errorf("CHANGELOG.md does not have %q", want)
		}
	}
}
