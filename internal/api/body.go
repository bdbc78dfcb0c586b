package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tincan"
)

// field is a member of a request's object and where its value goes: a *string, a **string, an *int64 or an *int.
type field struct {
	name string
	to   any
	must bool
}

func need(name string, to any) field { return field{name, to, true} }
func may(name string, to any) field  { return field{name, to, false} }

// read takes a request's object apart. What is unknown, twice there, missing or of another type is an error
// that names it.
func read(body []byte, fields ...field) error {
	if !utf8.Valid(body) {
		return usage(say("the body is not UTF-8"), say("send bytes that are not text as base64 or hex"))
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return usage(say("the body is not a JSON object"), say("send {} when there is nothing to say"))
	}
	var seen []string
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return badJSON(err)
		}
		name := t.(string) // the decoder lets nothing else be a name
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			return usage(say("no field %q here", shorten(name)), known(fields))
		case slices.Contains(seen, name):
			return usage(say("the field %q is there twice", name), nothing)
		}
		seen = append(seen, name)
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return badJSON(err)
		}
		if err := fields[i].set(raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return badJSON(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return usage(say("something follows the JSON object"), say("send one object"))
	}
	for _, f := range fields {
		if f.must && !slices.Contains(seen, f.name) {
			return usage(say("the field %q is missing", f.name), nothing)
		}
	}
	return nil
}

func (f field) set(raw json.RawMessage) error {
	switch to := f.to.(type) {
	case *string:
		s, err := f.text(raw)
		*to = s
		return err
	case **string:
		s, err := f.text(raw)
		*to = &s
		return err
	case *int64:
		n, err := f.number(raw, 64)
		*to = n
		return err
	case *int:
		n, err := f.number(raw, strconv.IntSize)
		*to = int(n)
		return err
	}
	panic(fmt.Sprintf("api: internal error: field %s is a %T", f.name, f.to))
}

func (f field) text(raw json.RawMessage) (s string, err error) {
	if raw[0] != '"' {
		return "", usage(say("%q is a text, not %s", f.name, kind(raw)), nothing)
	}
	if bytes.IndexByte(raw, '\\') < 0 { // most of a long one's time
		return string(raw[1 : len(raw)-1]), nil
	}
	if halfPair(raw) {
		return "", usage(say("%q holds half of a surrogate pair, not a character", f.name),
			say("send bytes that are not text as base64 or hex"))
	}
	err = json.Unmarshal(raw, &s)
	return s, err
}

func (f field) number(raw json.RawMessage, bits int) (int64, error) {
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, usage(say("%q is a number, not %s", f.name, kind(raw)), nothing)
	}
	n, err := strconv.ParseInt(string(raw), 10, bits)
	if err != nil {
		return 0, usage(say("%q is a whole number, not %s", f.name, shorten(string(raw))), nothing)
	}
	return n, nil
}

// kind says what a JSON value is.
func kind(raw json.RawMessage) phrase {
	switch raw[0] {
	case '"':
		return say("a text")
	case '{':
		return say("an object")
	case '[':
		return say("a list")
	case 't', 'f':
		return say("true or false")
	case 'n':
		return say("null")
	}
	return say("a number")
}

// halfPair reports whether a JSON string has an escape for half of a surrogate pair. encoding/json would
// read it as another character, and the message would not be the one that was meant.
func halfPair(raw []byte) bool {
	unit := func(i int) (rune, bool) { // of the escape \uXXXX at i
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		return rune(n), err == nil
	}
	for i := 0; i < len(raw); i++ {
		next := bytes.IndexByte(raw[i:], '\\')
		if next < 0 {
			return false
		}
		i += next
		r, ok := unit(i)
		if !ok {
			i++ // the escaped character
			continue
		}
		i += 5
		if !utf16.IsSurrogate(r) {
			continue
		}
		second, ok := unit(i + 1)
		if !ok || utf16.DecodeRune(r, second) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// known says which fields there are.
func known(fields []field) phrase {
	var all []string
	for _, f := range fields {
		all = append(all, f.name)
	}
	if len(all) == 0 {
		return say("send {} when there is nothing to say")
	}
	return say("known: %s", strings.Join(all, ", "))
}

// shorten bounds what is repeated of a request.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func badJSON(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fail(tincan.CodeUsage, err, say("the body is not JSON: %v", err), nothing)
}
