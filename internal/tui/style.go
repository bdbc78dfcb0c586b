package tui

import "charm.land/lipgloss/v2"

// mood is how good a piece of news is. It chooses a colour, and a sign for those who see none.
type mood int

const (
	calm mood = iota
	good
	wait
	bad
)

// styles are the looks of the screen. Without colour they are bold, faint and reverse only.
type styles struct {
	bar    lipgloss.Style          // the status strip
	step   map[mood]lipgloss.Style // its first word
	text   map[mood]lipgloss.Style // signs and words elsewhere
	dim    lipgloss.Style
	bold   lipgloss.Style
	chosen lipgloss.Style
	banner lipgloss.Style
	art    lipgloss.Style // a QR code: white squares on black, whatever the terminal's colours
}

func newStyles(colour bool) styles {
	plain := lipgloss.NewStyle()
	s := styles{
		bar: plain.Reverse(true), dim: plain.Faint(true), bold: plain.Bold(true),
		chosen: plain.Bold(true), banner: plain.Bold(true),
		step: map[mood]lipgloss.Style{}, text: map[mood]lipgloss.Style{calm: plain},
	}
	for _, m := range []mood{calm, good, wait, bad} {
		s.step[m] = s.bar.Bold(true)
		s.text[m] = plain
	}
	s.text[bad] = plain.Bold(true)
	if colour {
		s.step[good] = s.step[good].Foreground(lipgloss.Green)
		s.step[wait] = s.step[wait].Foreground(lipgloss.Yellow)
		s.step[bad] = s.step[bad].Foreground(lipgloss.Red)
		s.text[good] = plain.Foreground(lipgloss.Green)
		s.text[wait] = plain.Foreground(lipgloss.Yellow)
		s.text[bad] = plain.Foreground(lipgloss.Red).Bold(true)
		s.chosen = s.chosen.Foreground(lipgloss.Cyan)
		s.art = plain.Foreground(lipgloss.BrightWhite).Background(lipgloss.Black)
		s.banner = s.banner.Foreground(lipgloss.Yellow)
	}
	return s
}
