package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// preactVersion is the one in package.json, exactly; a test compares them.
const preactVersion = "11.2.0"

// sumFile is where the build leaves the sum of the sources that it was made from.
const sumFile = "sources.sum"

// pageRoot is the folder internal/api/page.
func pageRoot() (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", fmt.Errorf("no source position")
	}
	return filepath.Dir(filepath.Dir(here)), nil
}

// sourceSum is a hash over everything that the bundle is made of: the names and bytes of the sources, and the
// versions of the library and the bundler. Tests are no part of it.
func sourceSum(root string) (string, error) {
	h := sha256.New()
	files := []string{"package-lock.json", "../../../tools/esbuild/go.sum", "build/main.go"}
	err := filepath.WalkDir(filepath.Join(root, "src"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(d.Name(), ".test.") {
			return err
		}
		name, err := filepath.Rel(root, path)
		files = append(files, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return "", err
	}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return "", err
		}
		b = []byte(strings.ReplaceAll(string(b), "\r\n", "\n"))
		fmt.Fprintf(h, "%s %d\n", name, len(b))
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
