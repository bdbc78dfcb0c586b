// Command build bundles the page: src and its one library into dist, which is committed and embedded.
//
//	npm ci --prefix internal/api/page && go generate ./internal/api
//
// The result depends on the sources alone, so that a test can say when it is old.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	root, err := pageRoot()
	if err == nil {
		err = build(root)
	}
	if err != nil {
		log.Fatal("build the page: ", err)
	}
}

// build writes dist from src.
func build(root string) error {
	dist := filepath.Join(root, "dist")
	sum, err := sourceSum(root)
	if err != nil {
		return err
	}
	if err := bundle(root, "src/main.tsx", filepath.Join(dist, "page.js")); err != nil {
		return err
	}
	if err := bundle(root, "src/page.css", filepath.Join(dist, "page.css")); err != nil {
		return err
	}
	for _, name := range []string{"page.html", "icon.svg"} {
		b, err := os.ReadFile(filepath.Join(root, "src", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dist, name), b, 0o644); err != nil {
			return err
		}
	}
	notice, err := licence(root)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dist, "NOTICE"), notice, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, sumFile), []byte(sum+"\n"), 0o644)
}

// licence is the text under which what is bundled may be handed on.
func licence(root string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(root, "node_modules/preact/LICENSE"))
	if err != nil {
		return nil, fmt.Errorf("%w: run npm ci in %s first", err, root)
	}
	return append([]byte("page.js contains Preact "+preactVersion+" (https://preactjs.com):\n\n"), bytes.TrimSpace(append(b, '\n'))...), nil
}

// bundle runs esbuild, which go builds from tools/esbuild.
func bundle(root, from, to string) error {
	cmd := exec.Command("go", "tool", "-modfile="+filepath.Join(root, "../../../tools/esbuild/go.mod"), "esbuild", from, "--outfile="+to,
		"--bundle", "--minify", "--format=iife", "--target=es2022,safari16,firefox115,chrome111", "--charset=utf8", "--legal-comments=inline",
		"--banner:js=/*! with Preact "+preactVersion+", MIT licence: see NOTICE beside the sources of this page */", `--tsconfig-raw={"compilerOptions":{"jsx":"react","jsxFactory":"$tag","jsxFragmentFactory":"$tags"}}`, "--inject:src/h.ts", "--log-level=warning", "--define:process.env.NODE_ENV=\"production\"")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stdout, os.Stderr
	return cmd.Run()
}
