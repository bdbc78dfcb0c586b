package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cells measures text as the terminal draws it: rune by rune, or by grapheme cluster where the terminal says
// that it does so (mode 2027). The renderer wraps a line that is wider than the screen, so the two must agree.
type cells struct{ method ansi.Method }

func (c cells) width(s string) int { return c.method.StringWidth(s) }

// cut shortens s to a width, with … where something is missing. Styles in s are kept.
func (c cells) cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return c.method.Truncate(s, width, "…")
}

// pad cuts or fills s to exactly a width.
func (c cells) pad(s string, width int) string {
	s = c.cut(s, width)
	return s + strings.Repeat(" ", max(0, width-c.width(s)))
}

// ends puts one text at each end of a width; the left one is cut if both do not fit.
func (c cells) ends(left, right string, width int) string {
	right = c.cut(right, width)
	room := width - c.width(right)
	if right != "" && room < width {
		room--
	}
	left = c.pad(left, max(0, room))
	return c.pad(left+strings.Repeat(" ", max(0, width-c.width(left)-c.width(right)))+right, width)
}

// wrap breaks clean text into lines of at most a width. It breaks after spaces and between wide characters,
// inside a word only when the word is longer than a line, and never inside a grapheme cluster.
func (c cells) wrap(s string, width int) []string {
	width = max(width, 1)
	if len(s) <= width && plain(s) {
		return []string{s}
	}
	var lines []string
	start, lineW := 0, 0 // the line under way
	brk, brkW := -1, 0   // the last place where it may be broken, and the width up to there
	for i := 0; i < len(s); {
		g, w := ansi.FirstGraphemeCluster(s[i:], c.method)
		if w > 1 {
			brk, brkW = i, lineW
		}
		for lineW+w > width && i > start && g != " " {
			end, endW := i, lineW
			if brk > start {
				end, endW = brk, brkW
			}
			lines = append(lines, strings.TrimRight(s[start:end], " "))
			start, lineW, brk = end, lineW-endW, -1
		}
		i += len(g)
		lineW += w
		if g == " " || w > 1 { // spaces at the end of a line hang over its edge
			brk, brkW = i, lineW
		}
	}
	if start < len(s) || len(lines) == 0 {
		lines = append(lines, strings.TrimRight(s[start:], " "))
	}
	return lines
}
