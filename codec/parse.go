package codec

import (
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits of a body. MaxLimit is the most that the option max may ask for.
const (
	lineLimit    = 64 << 10
	defaultLimit = 1 << 20
	MaxLimit     = 16 << 20
)

// makers makes each codec from its options.
var makers = map[string]func(*options) Codec{
	"dotnet": newDotnet, "lines": newLines, "delim": newDelim,
	"len8": newLength(1), "len16": newLength(2), "len32": newLength(4), "len64": newLength(8),
	"varint": newVarint, "fixed": newFixed, "json": newJSON, "cobs": newCOBS, "slip": newSLIP, "idle": newIdle, "raw": newRaw,
}

// Names are the codecs, in the order in which a person should be offered them.
func Names() []string {
	return []string{"lines", "dotnet", "raw", "delim", "len8", "len16", "len32", "len64", "varint", "fixed", "json", "cobs", "slip", "idle"}
}

// Parse makes a codec from what its String gives: "lines", "delim?end=1C0D&max=2MiB".
func Parse(spec string) (Codec, error) {
	name, query, _ := strings.Cut(spec, "?")
	opts, err := url.ParseQuery(query)
	if err != nil {
		return nil, unknown(name, "the options of codec %q cannot be read", spec)
	}
	return New(name, opts)
}

// New makes a codec from its name and options. It refuses an option that the codec does not have.
func New(name string, opts url.Values) (Codec, error) {
	name = strings.ToLower(name)
	mk := makers[name]
	if mk == nil {
		all := strings.Join(Names(), ", ")
		if near := nearest(name); near != "" {
			return nil, unknown(name, "no codec %q, did you mean %s? (known: %s)", name, near, all)
		}
		return nil, unknown(name, "no codec %q (known: %s)", name, all)
	}
	o := &options{codec: name, values: opts, most: MaxLimit}
	c := mk(o)
	for k := range opts {
		if !slices.Contains(o.known, k) {
			slices.Sort(o.known)
			return nil, unknown(name, "%s has no option %q (it has %s)", name, k, strings.Join(o.known, ", "))
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	return c, nil
}

func unknown(codec, format string, args ...any) *Error {
	return newError(Unknown, codec, Words{format, args}, Words{})
}

// options reads a codec's options; the first error stays.
type options struct {
	codec  string
	values url.Values
	known  []string
	shown  []string // those that are not the default, as String writes them
	most   int      // what max may ask for
	err    *Error
}

func (o *options) get(name string) string {
	o.known = append(o.known, name)
	return o.values.Get(name)
}

func (o *options) show(name, value string) { o.shown = append(o.shown, name+"="+value) }

// fail notes an error; format begins with the codec's name.
func (o *options) fail(format string, args ...any) {
	if o.err == nil {
		o.err = unknown(o.codec, format, append([]any{o.codec}, args...)...)
	}
}

// one reads an option that has a few possible values; the first is the default.
func (o *options) one(name string, values ...string) string {
	v := strings.ToLower(o.get(name))
	switch {
	case v == "" || v == values[0]:
		return values[0]
	case !slices.Contains(values, v):
		o.fail("%s: %s=%s is not possible (it is %s)", name, v, strings.Join(values, " or "))
		return values[0]
	}
	o.show(name, v)
	return v
}

func (o *options) number(name string, def, least, most int) int {
	v := o.get(name)
	if v == "" {
		if def == 0 {
			o.fail("%s: it needs %s=%d to %d", name, least, most)
			return least
		}
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		o.fail("%s: %s=%s is not possible (it is %d to %d)", name, v, least, most)
		return least
	}
	if n != def {
		o.show(name, strconv.Itoa(n))
	}
	return n
}

func (o *options) hex(name string) []byte {
	v := o.get(name)
	if v == "" {
		return nil
	}
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "0x", "", "-", "", ":", "").Replace(v))
	if err != nil || len(b) == 0 || len(b) > 16 {
		o.fail("%s: %s=%s is not 1 to 16 bytes in hex, such as 0D0A", name, v)
	}
	return b
}

// max reads the limit of a body.
func (o *options) max(def int) int {
	v := o.get("max")
	if v == "" {
		return def
	}
	digits, unit := strings.TrimRight(v, "KMiBkmIb"), 1
	switch strings.ToLower(v[len(digits):]) {
	case "", "b":
	case "k", "kb", "kib":
		unit = 1 << 10
	case "m", "mb", "mib":
		unit = 1 << 20
	default:
		digits = ""
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > o.most/unit {
		o.fail("%s: max=%s is not possible (it is 1 to %s)", v, size(o.most))
		return def
	}
	if n *= unit; n != def {
		o.show("max", size(n))
	}
	return n
}

// size is how the option max writes a number of bytes.
func size(n int) string {
	switch {
	case n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + "MiB"
	case n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + "KiB"
	}
	return strconv.Itoa(n)
}

func (o *options) base(limit int) base {
	name := o.codec
	if len(o.shown) > 0 {
		name += "?" + strings.Join(o.shown, "&")
	}
	return base{name, limit, o.most}
}

// base is what all codecs have: a name with its options, a limit, and how far the limit can be raised.
type base struct {
	name  string
	limit int
	most  int
}

func (b base) String() string { return b.name }
func (b base) Limit() int     { return b.limit }

func (b base) fail(kind ErrorKind, hint, format string, args ...any) *Error {
	return newError(kind, b.name, Words{format, args}, Words{Format: hint})
}

// over is fail for a limit that was met; or is what else can be done than to raise it.
func (b base) over(or, format string, args ...any) *Error {
	hint := b.raise()
	hint.Format += or
	return newError(TooLarge, b.name, Words{format, args}, hint)
}

// tooLarge is for a body of n bytes; uint64, because a peer may announce anything.
func (b base) tooLarge(n uint64) *Error {
	return b.over("", "a message of %d bytes is over the limit of %d", n, b.limit)
}

// raise is the next step for who met the limit.
func (b base) raise() Words {
	switch {
	case b.limit < b.most:
		return Words{"raise the limit with ?max= (at most %s)", []any{size(b.most)}}
	case b.most < MaxLimit:
		return Words{"use len32, whose limit can be raised to %s", []any{size(MaxLimit)}}
	}
	return Words{Format: "send it in parts"}
}

// check says whether a body may be appended.
func (b base) check(body []byte) error {
	if len(body) > b.limit {
		return b.tooLarge(uint64(len(body)))
	}
	return nil
}

// checkSome is check for a codec in which an empty message is nothing at all.
func (b base) checkSome(body []byte) error {
	if len(body) == 0 {
		return b.fail(Unsayable, "use lines, dotnet or len32, which can", "%s has no empty messages", b.name)
	}
	return b.check(body)
}

// nearest is the known name that differs from a mistyped one by a letter or two.
func nearest(name string) string {
	best, at := "", 3
	for _, n := range Names() {
		if d := distance(strings.ToLower(name), n); d < at {
			best, at = n, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
