package link

import "golang.org/x/sys/windows"

// The system's errors, by what they mean. WSAECONNABORTED is in none: it is what Windows says for several of them.
var (
	errnoReset       = []error{windows.WSAECONNRESET, windows.WSAENETRESET}
	errnoBroken      = []error{windows.WSAESHUTDOWN, windows.WSAEDISCON}
	errnoTimeout     = []error{windows.WSAETIMEDOUT}
	errnoUnreachable = []error{windows.WSAENETUNREACH, windows.WSAEHOSTUNREACH, windows.WSAENETDOWN, windows.WSAEHOSTDOWN}
	errnoRefused     = []error{windows.WSAECONNREFUSED}
	errnoInUse       = []error{windows.WSAEADDRINUSE}
	errnoNoAddress   = []error{windows.WSAEADDRNOTAVAIL}
	errnoPermission  = []error{windows.WSAEACCES, windows.ERROR_ACCESS_DENIED}
)
