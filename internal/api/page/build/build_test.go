package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFresh says when the committed bundle is not the one of these sources. It needs neither Node nor a network.
func TestFresh(t *testing.T) {
	root, err := pageRoot()
	if err != nil {
		t.Fatal(err)
	}
	want, err := sourceSum(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "dist", sumFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(got)) != want {
		t.Errorf("internal/api/page/dist is older than its sources: npm ci --prefix internal/api/page && go generate ./internal/api")
	}
}

// TestVersions holds the library's version to the one that the notice names.
func TestVersions(t *testing.T) {
	root, err := pageRoot()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ Dependencies map[string]string }
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	if got := p.Dependencies["preact"]; got != preactVersion || len(p.Dependencies) != 1 {
		t.Errorf("package.json depends on %v, the notice speaks of preact %s alone", p.Dependencies, preactVersion)
	}
	lock, err := os.ReadFile(filepath.Join(root, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), `"resolved"`) {
		t.Error("package-lock.json names a registry")
	}
}

// TestSmall bounds what a browser has to load before it can talk.
func TestSmall(t *testing.T) {
	root, err := pageRoot()
	if err != nil {
		t.Fatal(err)
	}
	for name, most := range map[string]int64{"page.js": 140_000, "page.css": 32 << 10, "page.html": 2 << 10} {
		f, err := os.Stat(filepath.Join(root, "dist", name))
		if err != nil {
			t.Fatal(err)
		}
		if f.Size() > most {
			t.Errorf("%s has %d bytes, want at most %d", name, f.Size(), most)
		}
	}
}
