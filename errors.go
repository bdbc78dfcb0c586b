package tincan

import "errors"

// Code is the class of an [Error]; the HTTP API and the exit status of the program are made from it.
type Code string

const (
	CodeUsage       Code = "usage"       // what was asked for makes no sense: a bad address, an unknown codec
	CodeNotFound    Code = "not-found"   // no such room, link or listener
	CodeInUse       Code = "in-use"      // the port, or the data folder, belongs to somebody else
	CodeRefused     Code = "refused"     // a rule forbids it
	CodeUnreachable Code = "unreachable" // could not listen there, or could not connect
	CodeFull        Code = "full"        // nothing more can be stored
	CodeClosed      Code = "closed"      // the node is closed
	CodeInternal    Code = "internal"
)

// Error is an error with a next step for the person who reads it.
type Error struct {
	Code Code
	Text string // what went wrong, without a final full stop
	Hint string // what to do about it; may be empty
	Err  error  // the cause, may be nil
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

// ErrClosed is what every method of a closed node returns.
var ErrClosed error = &Error{Code: CodeClosed, Text: "the node is closed"}

// Explain returns the text, next step and class of any error.
func Explain(err error) (text, hint string, code Code) {
	var e *Error
	if errors.As(err, &e) {
		return e.Text, e.Hint, e.Code
	}
	return err.Error(), "", CodeInternal
}
