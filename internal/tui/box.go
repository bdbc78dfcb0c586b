package tui

import (
	"slices"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

const (
	maxTyped  = 32 << 10 // characters in the box
	maxRecall = 200      // lines that Up brings back
	boxLines  = 6        // lines of the box before it scrolls
	prompt    = "> "
)

// box is the input line. It keeps what was typed and pasted as it is, control characters too, and shows it
// cleaned. Up and Down bring back what was sent, as long as the box is empty or holds what they brought.
//
// The cursor stands between grapheme clusters, and where the terminal draws it: the window of an input
// method opens there.
type box struct {
	text   []rune
	at     int // the cursor, in front of text[at]
	sent   []string
	recall int // how many steps back, 0: not recalling

	laid  layout
	rows  []boxRow
	fresh bool // rows belong to text
}

// boxRow is one line of the box on screen: text[from:to], without the line end.
type boxRow struct {
	from, to int
	shown    string
}

// layout is what the rows depend on, besides the text.
type layout struct {
	width  int
	method ansi.Method
}

func (b *box) value() string { return string(b.text) }

func (b *box) set(s string) {
	b.text = []rune(s)
	b.at, b.recall, b.fresh = len(b.text), 0, false
}

// insert puts text at the cursor; false when it is too long for the box.
func (b *box) insert(s string) bool {
	rs := []rune(s)
	if len(b.text)+len(rs) > maxTyped {
		return false
	}
	b.text = slices.Insert(b.text, b.at, rs...)
	b.at += len(rs)
	b.fresh = false
	return true
}

// paste inserts text as it is but for line ends, which a terminal pastes as CR.
func (b *box) paste(s string) bool {
	return b.insert(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"))
}

func (b *box) remove(from, to int) {
	b.text = slices.Delete(b.text, from, to)
	b.at, b.fresh = from, false
}

// key edits the text: by a key's name, or with what it types.
func (b *box) key(name, text string) {
	switch name {
	case "alt+enter", "ctrl+j", "shift+enter":
		b.insert("\n")
	case "left", "ctrl+b":
		b.at = b.before(b.at)
	case "right", "ctrl+f":
		b.at = b.after(b.at)
	case "up":
		b.vertical(-1)
	case "down":
		b.vertical(1)
	case "home":
		b.at = b.lineStart()
	case "end":
		b.at = b.lineEnd()
	case "ctrl+left", "alt+left", "alt+b":
		b.at = b.wordBefore()
	case "ctrl+right", "alt+right", "alt+f":
		b.at = b.wordAfter()
	case "backspace", "ctrl+h":
		b.remove(b.before(b.at), b.at)
	case "delete":
		b.remove(b.at, b.after(b.at))
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		b.remove(b.wordBefore(), b.at)
	case "alt+d", "ctrl+delete", "alt+delete":
		b.remove(b.at, b.wordAfter())
	case "ctrl+u":
		b.remove(b.lineStart(), b.at)
	case "ctrl+k":
		b.remove(b.at, b.lineEnd())
	default:
		b.insert(text)
	}
}

// after is the place behind the grapheme cluster at i; before is the one in front of the cluster that ends at i.
func (b *box) after(i int) int {
	if i >= len(b.text) {
		return len(b.text)
	}
	return i + cluster(b.text[i:])
}

func (b *box) before(i int) int {
	start := i // clusters do not cross line ends
	for start > 0 && b.text[start-1] != '\n' {
		start--
	}
	if start == i {
		return max(0, i-1)
	}
	for {
		next := b.after(start)
		if next >= i {
			return start
		}
		start = next
	}
}

// cluster is how many runes of text its first grapheme cluster has.
func cluster(text []rune) int {
	if len(text) == 1 || text[0] < 0x80 && text[1] < 0x80 {
		return 1
	}
	g, _ := ansi.FirstGraphemeCluster(string(text[:min(len(text), 64)]), ansi.GraphemeWidth)
	return max(1, len([]rune(g)))
}

func (b *box) lineStart() int {
	for i := b.at; i > 0; i-- {
		if b.text[i-1] == '\n' {
			return i
		}
	}
	return 0
}

func (b *box) lineEnd() int {
	if i := slices.Index(b.text[b.at:], '\n'); i >= 0 {
		return b.at + i
	}
	return len(b.text)
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

func (b *box) wordBefore() int {
	i := b.at
	for i > 0 && !inWord(b.text[i-1]) {
		i--
	}
	for i > 0 && inWord(b.text[i-1]) {
		i--
	}
	return i
}

func (b *box) wordAfter() int {
	i := b.at
	for i < len(b.text) && !inWord(b.text[i]) {
		i++
	}
	for i < len(b.text) && inWord(b.text[i]) {
		i++
	}
	return i
}

// lay breaks the text into rows that fit into a width, the prompt and the cursor's cell included.
func (b *box) lay(c cells, width int) []boxRow {
	want := layout{max(4, width-len(prompt)-1), c.method}
	if b.fresh && b.laid == want {
		return b.rows
	}
	b.laid, b.fresh, b.rows = want, true, nil
	var shown strings.Builder
	from, used := 0, 0
	end := func(to, next int) {
		b.rows = append(b.rows, boxRow{from, to, shown.String()})
		shown.Reset()
		from, used = next, 0
	}
	for i := 0; i < len(b.text); {
		if b.text[i] == '\n' {
			end(i, i+1)
			i++
			continue
		}
		next := b.after(i)
		g := Clean(string(b.text[i:next]))
		w := c.width(g)
		if used+w > want.width && i > from {
			end(i, i)
		}
		shown.WriteString(g)
		used += w
		i = next
	}
	end(len(b.text), len(b.text))
	return b.rows
}

// place is the row and the column of the cursor.
func (b *box) place(c cells, width int) (row, col int) {
	rows := b.lay(c, width)
	for i, r := range rows {
		last := i == len(rows)-1
		if b.at < r.to || b.at == r.to && (last || rows[i+1].from > r.to) {
			return i, b.width(c, r.from, b.at)
		}
	}
	return len(rows) - 1, 0
}

// width is how wide text[from:to] is as it is shown.
func (b *box) width(c cells, from, to int) (w int) {
	for i := from; i < to; {
		next := b.after(i)
		w += c.width(Clean(string(b.text[i:next])))
		i = next
	}
	return w
}

// vertical moves the cursor a row up or down, to the nearest column.
func (b *box) vertical(n int) {
	c := cells{b.laid.method}
	row, col := b.place(c, b.laid.width+len(prompt)+1)
	row += n
	if row < 0 || row >= len(b.rows) {
		return
	}
	r := b.rows[row]
	b.at = r.from
	for b.at < r.to && b.width(c, r.from, b.at) < col {
		b.at = b.after(b.at)
	}
	if b.at == r.to && row < len(b.rows)-1 && b.rows[row+1].from == r.to && r.to > r.from {
		b.at = b.before(b.at) // the end of a full row is the start of the next
	}
}

// remember keeps what was sent for Up.
func (b *box) remember(s string) {
	if n := len(b.sent); n == 0 || b.sent[n-1] != s {
		b.sent = append(b.sent, s)
	}
	if len(b.sent) > maxRecall {
		b.sent = b.sent[1:]
	}
}

// bring brings back what was sent: steps 1 is the one before, -1 the one after. ok is false when the keys
// belong to the text in the box.
func (b *box) bring(steps int) (ok bool) {
	if v := b.value(); v != "" && (b.recall == 0 || v != b.sent[len(b.sent)-b.recall]) {
		return false
	}
	to := min(max(b.recall+steps, 0), len(b.sent))
	text := ""
	if to > 0 {
		text = b.sent[len(b.sent)-to]
	}
	b.set(text)
	b.recall = to
	return true
}

// view draws at most n rows of the box around the cursor, and tells where the cursor is in them.
func (b *box) view(c cells, width, n int) (lines []string, x, y int) {
	rows := b.lay(c, width)
	y, x = b.place(c, width)
	top := min(max(0, y-n+1), max(0, len(rows)-n))
	for i, r := range rows[top:min(len(rows), top+n)] {
		head := prompt
		if top+i > 0 {
			head = strings.Repeat(" ", len(prompt))
		}
		lines = append(lines, head+r.shown)
	}
	return lines, len(prompt) + x, y - top
}
