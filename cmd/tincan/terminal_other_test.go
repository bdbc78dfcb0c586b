//go:build !linux

package main

import (
	"errors"
	"os"
)

// openTerminal is for Linux only: scripts ask [linux] before they use it.
func openTerminal() (screen, terminal *os.File, err error) { return nil, nil, errors.ErrUnsupported }
