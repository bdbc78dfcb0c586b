package tincan

import (
	"encoding/binary"
	"strings"

	"tincan/internal/journal"
	"tincan/internal/wire"
)

// meta is what a native message has beside its body: the journal keeps it with the entry, as bytes. Of an outbox it
// also has the room, as the guest named it when it sent: what was promised once never reads differently.
type meta struct {
	room    string
	kind    string // media type
	headers []wire.Header
}

// bytes is nil when there is nothing to keep.
func (m meta) bytes() []byte {
	if m.room == "" && m.kind == "" && len(m.headers) == 0 {
		return nil
	}
	b := append([]byte{byte(len(m.room))}, m.room...)
	b = append(append(b, byte(len(m.kind))), m.kind...)
	for _, h := range m.headers {
		b = append(append(b, byte(len(h.Key))), h.Key...)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(h.Value))), h.Value...)
	}
	return b
}

// readMeta reads what bytes wrote; of bytes that it did not write, what can be read.
func readMeta(b []byte) (m meta) {
	take := func(n int) string {
		n = min(n, len(b))
		s := string(b[:n])
		b = b[n:]
		return s
	}
	short := func() string {
		if len(b) == 0 {
			return ""
		}
		n := int(b[0])
		b = b[1:]
		return take(n)
	}
	if len(b) == 0 {
		return m
	}
	m.room, m.kind = short(), short()
	for len(b) > 0 {
		h := wire.Header{Key: short()}
		if len(b) >= 2 {
			n := int(binary.BigEndian.Uint16(b))
			b = b[2:]
			h.Value = take(n)
		}
		m.headers = append(m.headers, h)
	}
	return m
}

const charset = "text/plain;charset="

// published is an outbox's entry as it goes on the wire.
func published(e *journal.Entry) wire.PublishBody {
	m := readMeta(e.Meta)
	return wire.PublishBody{Seq: e.Offset, Room: m.room, Time: e.Time.UnixMicro(), ID: wireID(e.ID), Type: m.kind, Headers: m.headers, Body: e.Body}
}

// told is a room's entry as it goes on the wire, but for the stream.
func (n *Node) told(e *journal.Entry) wire.MessageBody {
	b := wire.MessageBody{Offset: e.Offset, Time: e.Time.UnixMicro(), Sender: e.From, Name: e.Name, ID: e.ID, Body: e.Body}
	if b.Sender == "" {
		b.Sender = n.id
	}
	if len(e.Meta) > 0 {
		m := readMeta(e.Meta)
		b.Type, b.Headers = m.kind, m.headers
	}
	if b.Type == "" && e.Encoding != "" { // of a plain peer that writes in it
		b.Type = charset + e.Encoding
	}
	return b
}

// record is what the chain of a room is made over; see docs/PROTOCOL.md.
func (n *Node) record(room journal.Room, e *journal.Entry, dst []byte) []byte {
	if room.Outbox {
		p := published(e)
		return p.AppendRecord(dst)
	}
	m := n.told(e)
	return m.AppendRecord(dst)
}

// An id that the sender chose is unique in its room; an outbox carries messages of many rooms, so there it stands
// behind the number of the room's copy.
const idMark = "\x1f"

// wireID is an id of an outbox as others see it.
func wireID(id string) string {
	_, rest, found := strings.Cut(id, idMark)
	if found {
		return rest
	}
	return id
}

// isNative says that a peer is a key, not an address.
func isNative(peer string) bool { return strings.HasPrefix(peer, "tc1") }
