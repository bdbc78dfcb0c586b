package api

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"tincan"
)

// nodeFile is node.json: how to reach the node of a folder. Only the folder's owner may read it.
type nodeFile struct {
	PID   int    `json:"pid"`
	URL   string `json:"url"`
	Token string `json:"token"`
}

const nodeFileName = "node.json"

// writeNodeFile puts the file there whole: a reader sees the one before or this one.
func writeNodeFile(dir string, n nodeFile) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, nodeFileName+".*") // with mode 0600
	if err != nil {
		return fileError(err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, nodeFileName))
	}
	if err != nil {
		os.Remove(f.Name())
		return fileError(err)
	}
	return nil
}

// removeNodeFile takes the file away if it is still the one that was written with this token.
func removeNodeFile(dir, token string) error {
	n, err := readNodeFile(dir)
	if err != nil || n.Token != token {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, nodeFileName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fileError(err)
	}
	return nil
}

// readNodeFile returns an error that is [ErrNone] when there is no file.
func readNodeFile(dir string) (nodeFile, error) {
	var n nodeFile
	path := filepath.Join(dir, nodeFileName)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return n, fail(tincan.CodeNotFound, ErrNone, say("no tincan runs on the folder %s", dir), say("start one: tincan"))
	case err != nil:
		return n, fileError(err)
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return n, fail(tincan.CodeInternal, err, say("%s is damaged: %v", path, err), say("remove it if no tincan runs on this folder"))
	}
	return n, nil
}

func fileError(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fail(tincan.CodeRefused, err, say("%v", err), say("choose a folder that you may write"))
	}
	return fail(tincan.CodeInternal, err, say("%v", err), nothing)
}
