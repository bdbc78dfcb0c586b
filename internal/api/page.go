package api

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"sync"
)

// The page is built from page/src by hand, and the result committed: who builds tincan needs no Node. It takes
// `npm ci --prefix internal/api/page` once.
//
//go:generate go run ./page/build

//go:embed page/dist
var dist embed.FS

// types are the files of the page that are served, and how.
var types = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webmanifest": "application/manifest+json",
}

// file is a static file of the page.
type file struct {
	body []byte
	kind string
	etag string
}

// pageFiles are the page's files by their path; page.html is at "/" only.
var pageFiles = sync.OnceValue(func() map[string]*file {
	files := map[string]*file{}
	entries, err := fs.ReadDir(dist, "page/dist")
	if err != nil {
		panic("api: the page is not built in: " + err.Error())
	}
	for _, e := range entries {
		kind := types[path.Ext(e.Name())]
		if e.IsDir() || kind == "" {
			continue
		}
		body, err := fs.ReadFile(dist, "page/dist/"+e.Name())
		if err != nil {
			panic("api: the page is not built in: " + err.Error())
		}
		sum := sha256.Sum256(body)
		at := "/" + e.Name()
		if e.Name() == "page.html" {
			at = "/"
		}
		files[at] = &file{body, kind, `"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	return files
})

// serve answers GET and HEAD. A browser keeps its copy and asks each time whether it is still the same.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.etag)
	if isOne(r.Header["If-None-Match"], f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	if r.Method == http.MethodGet {
		w.Write(f.body)
	}
}
