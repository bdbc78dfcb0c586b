package tincan

import (
	"strings"

	"tincan/internal/identity"
)

// QR draws a text, such as a ticket, as a QR code for a terminal; "" if it is too long for one.
func QR(text string) string {
	s, err := identity.QR(text)
	if err != nil {
		return ""
	}
	return s
}

// QRModules are the rows of a text's QR code, "1" for black and "0" for white; nil if it is too long for one.
func QRModules(text string) (rows []string) {
	squares, err := identity.Modules(text)
	if err != nil {
		return nil
	}
	for _, row := range squares {
		var b strings.Builder
		for _, black := range row {
			if black {
				b.WriteByte('1')
			} else {
				b.WriteByte('0')
			}
		}
		rows = append(rows, b.String())
	}
	return rows
}

// Fingerprint is enough of a peer's id for two people to compare.
func Fingerprint(id string) string { return identity.ID(id).Short() }
