package wire

import (
	"fmt"
	"time"
)

// Code says why a connection is closed [PROTOCOL 8].
type Code uint16

// The close codes.
const (
	CodeBye         Code = 0
	CodeShutdown    Code = 1
	CodeReplaced    Code = 2
	CodeIdle        Code = 3
	CodeNotReading  Code = 4
	CodeLimit       Code = 5
	CodeStorage     Code = 6
	CodeGreeting    Code = 7
	CodeFork        Code = 8
	CodeMalformed   Code = 100
	CodeUnsupported Code = 101
	CodeTooLarge    Code = 102
	CodeGap         Code = 103
	CodeAck         Code = 104
	CodeUnknownKey  Code = 105
	CodeKeyDiffers  Code = 106
	CodeBlocked     Code = 107
	CodePairing     Code = 108
)

// codes has each code's name, which does not change, and whether the other side comes again, and when at the
// earliest.
var codes = map[Code]struct {
	name  string
	again bool
	least time.Duration
}{
	CodeBye:         {"bye", false, 0},
	CodeShutdown:    {"shutting down", true, 0},
	CodeReplaced:    {"replaced", false, 0},
	CodeIdle:        {"idle", true, 0},
	CodeNotReading:  {"not reading", true, 0},
	CodeLimit:       {"over a limit", true, 5 * time.Second},
	CodeStorage:     {"storage", true, 0},
	CodeGreeting:    {"greeting timed out", true, 0},
	CodeFork:        {"fork", true, 0},
	CodeMalformed:   {"malformed", false, 0},
	CodeUnsupported: {"unsupported", false, 0},
	CodeTooLarge:    {"too large", false, 0},
	CodeGap:         {"gap", true, 0},
	CodeAck:         {"ack beyond sent", false, 0},
	CodeUnknownKey:  {"unknown key", false, 0},
	CodeKeyDiffers:  {"key differs", false, 0},
	CodeBlocked:     {"blocked", false, 0},
	CodePairing:     {"pairing failed", false, 0},
}

// String is the code in words that do not change.
func (c Code) String() string {
	if known, ok := codes[c]; ok {
		return known.name
	}
	return fmt.Sprintf("code %d", uint16(c))
}

// Again says whether who was closed with this code comes again by itself, and how long it waits at least. A code that
// is not known is like an ordinary end.
func (c Code) Again() (again bool, least time.Duration) {
	known, ok := codes[c]
	return known.again || !ok, known.least
}
