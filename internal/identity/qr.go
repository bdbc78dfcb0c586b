package identity

import (
	"strings"

	"rsc.io/qr"
)

// quiet is the white border of a QR code, in modules.
const quiet = 4

// Modules are the squares of a text's QR code, row by row, its border included; true is black.
func Modules(text string) ([][]bool, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil, err
	}
	size := code.Size + 2*quiet
	rows := make([][]bool, size)
	for y := range rows {
		rows[y] = make([]bool, size)
		for x := range rows[y] {
			rows[y][x] = code.Black(x-quiet, y-quiet)
		}
	}
	return rows, nil
}

// QR draws a text's QR code for a terminal: two rows of squares in a line of text, white on the terminal's black.
func QR(text string) (string, error) {
	rows, err := Modules(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for y := 0; y < len(rows); y += 2 {
		for x := range rows[y] {
			upper, lower := rows[y][x], y+1 >= len(rows) || rows[y+1][x]
			switch {
			case !upper && !lower:
				b.WriteRune('█')
			case !upper:
				b.WriteRune('▀')
			case !lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}
