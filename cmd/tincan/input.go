package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"tincan"
	"tincan/internal/api"
)

// input is one message from standard input.
type input struct {
	line int    // its number in standard input
	room string // "" is every room of this command
	id   string
	text *string // to be written in the room's encoding; nil when body holds bytes
	body []byte

	piped bool // body is standard input as it came
}

// maxLine bounds a line of standard input: the largest message, as base64 in an object.
const maxLine = 24 << 20

// inputReader reads messages from standard input: one a line, and with --json also objects.
type inputReader struct {
	r    *bufio.Reader
	json bool
	line int
}

func newInputReader(r io.Reader, json bool) *inputReader {
	return &inputReader{r: bufio.NewReaderSize(r, 256<<10), json: json}
}

// lineError says which line of standard input is no message. Reading goes on behind it.
type lineError struct {
	line int
	why  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.why) }
func (e *lineError) Unwrap() error { return e.why }

// notObject is why a line is no object.
type notObject struct {
	key  string // in the catalogue
	args []any
}

func (e *notObject) Error() string { return fmt.Sprintf(e.key, e.args...) }

// next returns the next message; io.EOF at the end of input; a *lineError for a line that is none.
func (ir *inputReader) next() (input, error) {
	line, err := ir.readLine()
	if err != nil {
		return input{}, err
	}
	ir.line++
	if !ir.json || !bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("{")) {
		s := string(line)
		return input{line: ir.line, text: &s}, nil
	}
	in, err := parseObject(line)
	if err != nil {
		return input{}, &lineError{ir.line, err}
	}
	in.line = ir.line
	return in, nil
}

// ready says that another message can be had without waiting.
func (ir *inputReader) ready() bool {
	buf, _ := ir.r.Peek(ir.r.Buffered())
	return bytes.IndexByte(buf, '\n') >= 0
}

func (ir *inputReader) readLine() ([]byte, error) {
	var line []byte
	for {
		part, err := ir.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			line = line[:len(line)-1]
			return bytes.TrimSuffix(line, []byte("\r")), nil
		case errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxLine:
		case errors.Is(err, bufio.ErrBufferFull):
			ir.line++
			return nil, errors.Join(&lineError{ir.line, &notObject{"it is longer than %d MiB", []any{maxLine >> 20}}}, ir.skipLine())
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		default:
			return nil, err
		}
	}
}

func (ir *inputReader) skipLine() error {
	for {
		_, err := ir.r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil // the end of the line, or of the input: the next read says so
		}
	}
}

func parseObject(line []byte) (input, error) {
	var o struct {
		Text   *string `json:"text"`
		Hex    *string `json:"hex"`
		Base64 *string `json:"base64"`
		Room   string  `json:"room"`
		ID     string  `json:"id"`
	}
	if !utf8.Valid(line) {
		return input{}, &notObject{key: `it is not UTF-8: write bytes as "hex" or "base64"`}
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var typed *json.UnmarshalTypeError
	switch err := d.Decode(&o); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return input{}, &notObject{key: "the object does not end"}
	case errors.As(err, &typed):
		return input{}, &notObject{`"%s" is a %s; it has to be a string`, []any{typed.Field, typed.Value}}
	case err != nil:
		return input{}, &notObject{"%s", []any{strings.TrimPrefix(err.Error(), "json: ")}}
	}
	if _, err := d.Token(); err != io.EOF {
		return input{}, &notObject{key: "there is more behind the object"}
	}
	in := input{room: o.Room, id: o.ID}
	var err error
	switch {
	case o.Text != nil && o.Hex == nil && o.Base64 == nil:
		in.text = o.Text
	case o.Hex != nil && o.Text == nil && o.Base64 == nil:
		in.body, err = api.ParseHex(*o.Hex)
	case o.Base64 != nil && o.Text == nil && o.Hex == nil:
		if in.body, err = base64.StdEncoding.DecodeString(*o.Base64); err != nil {
			err = &notObject{key: `what "base64" has is not base64`}
		}
	default:
		err = &notObject{key: `an object has one of "text", "hex" and "base64"`}
	}
	return in, err
}

// bytes is the body in a room's encoding.
func (in input) bytes(encoding string) ([]byte, error) {
	if in.text == nil {
		return in.body, nil
	}
	return tincan.EncodeText(encoding, *in.text)
}

// option is the value of an address's option; "" if it has none.
func option(addr, name string) string {
	_, query, _ := strings.Cut(addr, "?")
	v, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return v.Get(name)
}

func hasOption(addr, name string) bool { return option(addr, name) != "" }
