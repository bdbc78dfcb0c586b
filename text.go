package tincan

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// Encodings are the names that a room's text encoding may have. The first is the default.
var Encodings = []string{"utf-8", "gbk", "gb18030", "big5", "shift-jis", "utf-16le", "utf-16be", "latin-1"}

var encodings = map[string]encoding.Encoding{
	"gbk":       simplifiedchinese.GBK,
	"gb18030":   simplifiedchinese.GB18030,
	"big5":      traditionalchinese.Big5,
	"shift-jis": japanese.ShiftJIS,
	"utf-16le":  unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be":  unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"latin-1":   charmap.ISO8859_1,
}

// ParseEncoding returns the canonical name of a text encoding, "" for UTF-8.
func ParseEncoding(name string) (string, error) {
	n := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", "-"))
	switch n {
	case "", "utf-8", "utf8":
		return "", nil
	case "gb2312":
		n = "gbk"
	case "sjis", "shiftjis":
		n = "shift-jis"
	case "utf-16", "utf16", "utf16le":
		n = "utf-16le"
	case "utf16be":
		n = "utf-16be"
	case "latin1", "iso-8859-1":
		n = "latin-1"
	}
	if encodings[n] == nil {
		return "", noEncoding(name)
	}
	return n, nil
}

// DecodeText reads bytes as text of an encoding that ParseEncoding returned. ok is false when they are not
// text in it: some byte stands for nothing, or writing the text would not give the same bytes.
func DecodeText(enc string, body []byte) (s string, ok bool) {
	if enc == "" {
		return string(body), utf8.Valid(body)
	}
	e := encodings[enc]
	if e == nil {
		return "", false
	}
	out, err := e.NewDecoder().Bytes(body)
	if err != nil {
		return "", false
	}
	back, err := e.NewEncoder().Bytes(out)
	return string(out), err == nil && string(back) == string(body)
}

// EncodeText writes text in an encoding that ParseEncoding returned.
func EncodeText(enc, s string) ([]byte, error) {
	if enc == "" {
		return []byte(s), nil
	}
	e := encodings[enc]
	if e == nil {
		return nil, noEncoding(enc)
	}
	out, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		return nil, usage("send it as hex, or change the room's encoding", "this text has no form in %s", enc)
	}
	return out, nil
}

func noEncoding(name string) error {
	return fail(CodeUsage, nil, say("no text encoding %q", name), say("known: %s", strings.Join(Encodings, ", ")))
}
