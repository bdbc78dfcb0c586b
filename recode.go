package tincan

import (
	"tincan/codec"
	"tincan/internal/journal"
)

// recode asks the reader to go on with another codec.
type recode struct {
	codec codec.Codec
	done  chan error
}

// What bounds the memory that decoding a link's history again takes.
const (
	maxDecodeAgain   = 64 << 20 // bytes
	maxMessagesAgain = 1 << 19
)

// decodeJobs does what was asked of the reader since it last looked.
func (m *member) decodeJobs() {
	m.mu.Lock()
	jobs := m.recodes
	m.recodes = nil
	m.mu.Unlock()
	for _, j := range jobs {
		j.done <- m.decodeAgain(j.codec)
	}
}

// decodeAgain runs on the reader: it decodes what this link has received so far with another codec, stores
// the new messages behind the old ones, which are marked replaced, and goes on with that codec. A codec that
// refuses a byte of it changes nothing.
func (m *member) decodeAgain(c codec.Codec) error {
	if m.codec().String() == c.String() { // as it is; but it is chosen now
		m.useCodec(c)
		return nil
	}
	stream, err := m.received()
	if err != nil {
		return err
	}
	held := m.link.Take()
	stream = append(stream, held...)
	frames, rest, err := decodeAll(c, stream)
	if err != nil {
		m.link.Prepend(held)
		return err
	}
	if len(rest) > 0 && m.link.State().PeerFinished { // nothing more will come to it
		frames, rest = append(frames, split(c, rest)...), nil
	}
	es := m.entries(nil, frames, c)
	if len(es) == 0 {
		err = journalError(m.n.journal.Replace(m.n.ctx, m.r.id, m.id, nil))
	} else {
		err = m.keep(es, func() error { return m.n.journal.Replace(m.n.ctx, m.r.id, m.id, es) })
	}
	if err != nil {
		m.link.Prepend(held)
		return err
	}
	m.link.Prepend(rest)
	m.useCodec(c)
	return nil
}

// useCodec goes on with a codec that somebody chose.
func (m *member) useCodec(c codec.Codec) {
	m.link.SetCodec(c)
	m.mu.Lock()
	m.framing, m.choice = c, choiceByHand
	m.mu.Unlock()
	m.n.note(Event{Kind: EventCodec, Link: m.id, Room: m.r.name, Codec: c.String(), Choice: choiceByHand}, m.r)
}

// received returns the bytes of this link that became messages, as they came.
func (m *member) received() (stream []byte, err error) {
	old := m.codec()
	for after := int64(0); ; {
		es, err := m.n.journal.Read(m.n.ctx, m.r.id, after, pumpEntries, pumpBytes)
		if err != nil {
			return nil, journalError(err)
		}
		if len(es) == 0 {
			return stream, nil
		}
		after = es[len(es)-1].Offset
		for _, e := range es {
			if e.Link == m.id && e.From != "" && !e.Replaced {
				if stream, err = wireOf(stream, e, old); err != nil {
					return nil, err
				}
			}
		}
		if len(stream) > maxDecodeAgain {
			return nil, tooMuch()
		}
	}
}

func tooMuch() error {
	return fail(CodeRefused, nil, say("this link has received too much to decode again"), say("connect again with the other codec"))
}

// decodeAll returns the frames of a stream and what is left behind them, or an error if the codec refuses any of it.
func decodeAll(c codec.Codec, stream []byte) (frames []codec.Frame, rest []byte, err error) {
	for rest = stream; len(rest) > 0; {
		f, n, err := c.Decode(rest, nil)
		if err != nil {
			text, hint := codecWords(err)
			return nil, nil, fail(CodeUsage, err, say("what was received is not %s: %s", c, text), hint)
		}
		if n == 0 {
			break
		}
		if len(frames) == maxMessagesAgain {
			return nil, nil, tooMuch()
		}
		frames = append(frames, f)
		rest = rest[n:]
	}
	return frames, rest, nil
}

// split returns all of a stream that has ended as frames. What is no whole frame is a partial one.
func split(c codec.Codec, stream []byte) (frames []codec.Frame) {
	for len(stream) > 0 {
		f, n, err := c.Decode(stream, nil)
		if q, ok := c.(codec.Quiet); ok && n == 0 && err == nil {
			f, n = q.Flush(stream), len(stream)
		}
		if n == 0 || err != nil {
			f, n = codec.Frame{Body: stream, Wire: stream, Partial: true}, len(stream)
		}
		frames = append(frames, f)
		stream = stream[n:]
	}
	return frames
}

// wireOf appends the bytes that an entry was decoded from.
func wireOf(dst []byte, e journal.Entry, c codec.Codec) ([]byte, error) {
	if e.Wire != nil || e.Partial {
		return append(dst, e.Wire...), nil
	}
	if e.Codec != c.String() {
		var err error
		if c, err = codec.Parse(e.Codec); err != nil {
			return dst, err
		}
	}
	return c.Append(dst, codec.Frame{Body: e.Body})
}
