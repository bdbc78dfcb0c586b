package tincan

import (
	"errors"
	"fmt"

	"tincan/codec"
)

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

	text, hint phrase // what Text and Hint were made from, to say them in another language
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

// phrase is a format of fmt and its arguments; the format is the key of the catalogue in words.go.
type phrase struct {
	format string
	args   []any
}

func say(format string, args ...any) phrase { return phrase{format, args} }

// in renders the phrase in a language: "zh", or anything else for English.
func (p phrase) in(lang string) string {
	f := p.format
	if zh, ok := chinese[f]; ok && lang == "zh" {
		f = zh
	}
	if len(p.args) == 0 {
		return f
	}
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if part, ok := a.(phrase); ok {
			a = part.in(lang)
		}
		args[i] = a
	}
	return fmt.Sprintf(f, args...)
}

// codecWords are the words of an error of package codec, without the codec's name.
func codecWords(err error) (text, hint phrase) {
	var ce *codec.Error
	if !errors.As(err, &ce) {
		return say("%v", err), phrase{}
	}
	t, h := ce.Words()
	return phrase{t.Format, t.Args}, phrase{h.Format, h.Args}
}

// noCodec is a codec or an option of one that there is not.
func noCodec(err error) error {
	text, hint := codecWords(err)
	if hint.format == "" {
		hint = say("`tincan help addresses` lists the codecs and their options")
	}
	return fail(CodeUsage, err, text, hint)
}

// fail makes an Error whose words can be said in each language.
func fail(code Code, err error, text, hint phrase) *Error {
	return &Error{Code: code, Text: text.in("en"), Hint: hint.in("en"), Err: err, text: text, hint: hint}
}

// usage is an Error for something asked for that makes no sense.
func usage(hint, format string, args ...any) *Error {
	return fail(CodeUsage, nil, say(format, args...), say(hint))
}

// ErrClosed is what every method of a closed node returns.
var ErrClosed error = fail(CodeClosed, nil, say("the node is closed"), phrase{})

// Explain returns the text, next step and class of any error.
func Explain(err error) (text, hint string, code Code) { return ExplainIn("en", err) }

// ExplainIn is Explain in a language: "zh" or "en". What has no translation is said in English.
func ExplainIn(lang string, err error) (text, hint string, code Code) {
	var e *Error
	switch {
	case !errors.As(err, &e):
		return err.Error(), "", CodeInternal
	case e.text.format == "":
		return e.Text, e.Hint, e.Code
	}
	return e.text.in(lang), e.hint.in(lang), e.Code
}
