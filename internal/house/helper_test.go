package house

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the repository.
const root = "../.."

// command runs a program in the repository and returns what it printed.
func command(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// files are the text files of the repository that somebody wrote, as slash-separated paths, and their content.
var files = sync.OnceValues(func() (map[string]string, error) {
	skip := []string{".git", "bin", "data", "node_modules", "dist"}
	m := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(skip, d.Name()) {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.IndexByte(b[:min(len(b), 8000)], 0) >= 0 {
			return nil // a picture or a program
		}
		name, err := filepath.Rel(root, path)
		m[filepath.ToSlash(name)] = string(b)
		return err
	})
	return m, err
})

// written returns the files whose name ends so, in order, and their content.
func written(t *testing.T, suffixes ...string) ([]string, map[string]string) {
	t.Helper()
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range all {
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		t.Fatalf("no file ends in %q", suffixes)
	}
	return names, all
}

// read returns one file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
