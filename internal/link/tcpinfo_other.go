//go:build !linux && !darwin && !windows

package link

import (
	"syscall"
	"time"
)

// This system's figures are not read: all are absent.

func setUserTimeout(rc syscall.RawConn, d time.Duration) {}

func sendQueue(rc syscall.RawConn, fin bool) (n int64, known bool) { return 0, false }

func recvQueue(rc syscall.RawConn) (n int64, known bool) { return 0, false }

func unheard(rc syscall.RawConn) time.Duration { return 0 }

func readTCP(rc syscall.RawConn, fin bool, t *TCP) {}
