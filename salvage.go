package tincan

import (
	"errors"

	"tincan/internal/journal"
)

// Salvage reads what can still be read from the damaged journal of a folder that no node has open. lost says
// what could not; "" if all could.
func Salvage(dir string, each func(Message) error) (lost string, err error) {
	lost, err = journal.Salvage(dir, func(room string, e journal.Entry) error { return each(message(room, e)) })
	if errors.Is(err, journal.ErrUnreadable) {
		return "", fail(CodeInternal, err, say("%v", err), say("put a copy of the folder back, or move journal.db and journal.db-wal aside to start a new one"))
	}
	return lost, journalError(err)
}
