package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayImport is the import graph: cmd → api, tui → tincan → link, journal → codec. A package that is not here
// has no place yet: find it one, and say so in docs/DESIGN.md.
var mayImport = map[string][]string{
	"tincan/codec":             {},
	"tincan/internal/link":     {"tincan/codec"},
	"tincan/internal/stream":   {},
	"tincan/internal/wire":     {"tincan/codec"},
	"tincan/internal/identity": {},
	"tincan/internal/simnet":   {},
	"tincan/internal/journal":  {"tincan/codec", "tincan/internal/stream"},
	"tincan": {"tincan/codec", "tincan/internal/link", "tincan/internal/journal", "tincan/internal/stream", "tincan/internal/wire",
		"tincan/internal/identity", "tincan/internal/simnet"},
	"tincan/internal/api":   {"tincan", "tincan/codec"},
	"tincan/internal/tui":   {"tincan", "tincan/codec"},
	"tincan/cmd/tincan":     {"tincan", "tincan/codec", "tincan/internal/api", "tincan/internal/tui"},
	"tincan/internal/house": {"tincan"},

	"tincan/internal/api/page/build": {}, // a program for go generate
}

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Standard                           bool
	Module                             *struct{ Path, Version string }
}

// list runs go list for a system and returns its packages.
func list(t *testing.T, system string, args ...string) []pkg {
	t.Helper()
	args = append([]string{"list", "-json=ImportPath,Imports,TestImports,XTestImports,Standard,Module"}, args...)
	d := json.NewDecoder(strings.NewReader(command(t, []string{"GOOS=" + system, "CGO_ENABLED=0"}, "go", args...)))
	var pkgs []pkg
	for {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

var systems = []string{"linux", "darwin", "windows"}

func TestImportsPointOneWay(t *testing.T) {
	for _, system := range systems {
		for _, p := range list(t, system, "./...") {
			allowed, known := mayImport[p.ImportPath]
			if !known {
				t.Errorf("%s: not in the import graph of this test", p.ImportPath)
			}
			for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				if i == "tincan/internal/simnet" && slices.Contains(p.Imports, i) {
					t.Errorf("%s imports %s, which is for tests", p.ImportPath, i)
				}
				if strings.HasPrefix(i+"/", "tincan/") && i != p.ImportPath && !slices.Contains(allowed, i) {
					t.Errorf("%s (%s) imports %s; it may import %q", p.ImportPath, system, i, allowed)
				}
			}
		}
	}
}

func TestCodecNeedsNothing(t *testing.T) {
	for _, p := range list(t, "linux", "-deps", "./codec") {
		if !p.Standard && p.ImportPath != "tincan/codec" {
			t.Errorf("codec depends on %s; it may depend on the standard library only", p.ImportPath)
		}
	}
	for _, i := range list(t, "linux", "./codec")[0].Imports {
		if slices.Contains([]string{"context", "io", "net", "os", "sync"}, i) {
			t.Errorf("codec imports %s; it is pure functions over bytes", i)
		}
	}
}

// TestProgram weighs the program, stripped, and looks for what makes programs heavy: a template
// package keeps every exported method alive, which costs some 5 MB.
func TestProgram(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "tincan")
	command(t, []string{"CGO_ENABLED=0"}, "go", "build", "-ldflags=-s -w", "-o", bin, "./cmd/tincan")
	b, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 25_000_000
	t.Logf("the program, stripped: %.1f MB", float64(len(b))/1e6)
	if len(b) > limit {
		t.Errorf("the program has %d bytes, more than %d", len(b), limit)
	}
	for name, want := range map[string]bool{
		"tincan.(*Node).Listen":           true, // the names of functions are in there even when it is stripped
		"text/template.(*state).evalCall": false, "html/template.(*escaper).escape": false,
	} {
		if got := bytes.Contains(b, []byte(name)); got != want {
			t.Errorf("%s is linked: %v, want %v", name, got, want)
		}
	}
}

// TestLicences compares docs/LICENSES.md with what is linked on any system.
func TestLicences(t *testing.T) {
	var want, got []string
	for _, system := range systems {
		for _, p := range list(t, system, "-deps", "./cmd/tincan") {
			if p.Module != nil && p.Module.Version != "" {
				want = append(want, p.Module.Path+" "+p.Module.Version)
			}
		}
	}
	for line := range strings.Lines(read(t, "docs/LICENSES.md")) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && strings.Contains(cells[2], "v") && strings.Contains(cells[1], "/") {
			got = append(got, strings.TrimSpace(cells[1])+" "+strings.TrimSpace(cells[2]))
			if l := strings.TrimSpace(cells[3]); !slices.Contains([]string{"MIT", "BSD-3-Clause", "Apache-2.0"}, l) {
				t.Errorf("%s has the licence %q, which nobody has thought about yet", cells[1], l)
			}
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	for _, m := range want {
		if !slices.Contains(got, m) {
			t.Errorf("docs/LICENSES.md lacks %s", m)
		}
	}
	for _, m := range got {
		if !slices.Contains(want, m) {
			t.Errorf("docs/LICENSES.md lists %s, which is not linked", m)
		}
	}
}
