package tincan

import "tincan/internal/journal"

// Salvage reads what can still be read from the damaged journal of a folder that no node has open. lost says
// what could not; "" if all could.
func Salvage(dir string, each func(Message) error) (lost string, err error) {
	lost, err = journal.Salvage(dir, func(room string, e journal.Entry) error { return each(message(room, e)) })
	return lost, journalError(err)
}
