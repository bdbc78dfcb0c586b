package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSources runs the tests of the page's pure parts, which Node has to run. The bundler strips their types.
func TestSources(t *testing.T) {
	root, err := pageRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range []string{"node", "go"} {
		if _, err := exec.LookPath(need); err != nil {
			skip(t, "no %s here", need)
		}
	}
	tests, err := filepath.Glob(filepath.Join(root, "src", "*.test.ts"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	args := []string{"tool", "-modfile=" + filepath.Join(root, "../../../tools/esbuild/go.mod"), "esbuild", "--bundle", "--platform=node",
		"--format=esm", "--out-extension:.js=.mjs", "--log-level=warning", "--outdir=" + t.TempDir()}
	out := args[len(args)-1][len("--outdir="):]
	if b, err := exec.Command("go", append(args, tests...)...).CombinedOutput(); err != nil {
		t.Fatalf("bundle: %v\n%s", err, b)
	}
	bundles, err := filepath.Glob(filepath.Join(out, "*.mjs"))
	if err != nil || len(bundles) != len(tests) {
		t.Fatalf("bundles %v, %v", bundles, err)
	}
	if b, err := exec.Command("node", append([]string{"--test"}, bundles...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, b)
	}
}

// skip leaves a test out where its counterpart is missing, but not in CI.
func skip(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
