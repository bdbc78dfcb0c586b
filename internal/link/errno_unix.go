//go:build !windows

package link

import "syscall"

// The system's errors, by what they mean.
var (
	errnoReset       = []error{syscall.ECONNRESET}
	errnoBroken      = []error{syscall.EPIPE}
	errnoTimeout     = []error{syscall.ETIMEDOUT}
	errnoUnreachable = []error{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN}
	errnoRefused     = []error{syscall.ECONNREFUSED}
	errnoInUse       = []error{syscall.EADDRINUSE}
	errnoNoAddress   = []error{syscall.EADDRNOTAVAIL}
	errnoPermission  = []error{syscall.EACCES, syscall.EPERM}
)
