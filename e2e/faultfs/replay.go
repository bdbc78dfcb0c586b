//go:build linux

package faultfs

import (
	"maps"
	"math/rand/v2"
	"path"
)

// sector is what a disk writes as a whole, or not at all.
const sector = 512

// Replay makes the states in which a disk may be when the power is lost. What was synced is there; of the rest, anything.
type Replay struct {
	ops   []Op
	at    int
	files map[int]*replayed
	names map[string]int // what is sure to be in the folders
	later []Op           // of names, in order, that were not synced
	now   map[string]int // what the program sees
}

// replayed is one file.
type replayed struct {
	synced []byte
	later  []Op // that were not synced
}

// NewReplay returns a replay of a trace, before its first operation.
func NewReplay(trace []Op) *Replay {
	return &Replay{ops: trace, files: map[int]*replayed{}, names: map[string]int{}, now: map[string]int{}}
}

// To goes on to an operation: that one and what follows has not happened.
func (r *Replay) To(at int) {
	for ; r.at < at; r.at++ {
		switch op := r.ops[r.at]; op.Kind {
		case Create, Rename, Remove:
			if op.Kind == Create {
				r.files[op.File] = &replayed{}
			}
			rename(r.now, op)
			r.later = append(r.later, op)
		case Write, Truncate:
			f := r.files[op.File]
			f.later = append(f.later, op)
		case Sync:
			f := r.files[op.File]
			f.synced = f.whole()
			f.later = nil
		case SyncDir:
			rest := r.later[:0:0]
			for _, n := range r.later {
				if path.Dir(n.Path) == op.Path {
					rename(r.names, n)
				} else {
					rest = append(rest, n)
				}
			}
			r.later = rest
		}
	}
}

// rename makes a change of names.
func rename(names map[string]int, op Op) {
	switch op.Kind {
	case Create:
		names[op.Path] = op.File
	case Rename:
		names[op.To] = names[op.Path]
		delete(names, op.Path)
	case Remove:
		delete(names, op.Path)
	}
}

// whole is what the program sees of the file. It may change what synced is.
func (f *replayed) whole() []byte {
	b := f.synced
	for _, op := range f.later {
		b = apply(b, op)
	}
	return b
}

func apply(b []byte, op Op) []byte {
	if op.Kind == Truncate {
		return resize(b, op.Off)
	}
	return write(b, op.Off, op.Data)
}

// Seen is what the program sees here: what a kill leaves.
func (r *Replay) Seen() map[string][]byte {
	return r.image(r.now, func(f *replayed) []byte { return f.apply(func(Op) []Op { return nil }, true) })
}

// Crash is one of the states in which the disk may be when the power is lost here.
func (r *Replay) Crash(rnd *rand.Rand) map[string][]byte {
	names := maps.Clone(r.names)
	for _, op := range r.later[:rnd.IntN(len(r.later)+1)] { // of names a disk keeps the order
		rename(names, op)
	}
	how := rnd.IntN(5)
	return r.image(names, func(f *replayed) []byte {
		kept := rnd.IntN(len(f.later) + 1)
		i := 0
		return f.apply(func(op Op) []Op {
			i++
			switch {
			case how == 0, how == 1 && i > kept: // nothing; the first ones
				return nil
			case how == 1 && i < kept, how == 2: // and the last of them torn; everything
				return []Op{op}
			case how == 3: // any of them
				return []Op{op}[:rnd.IntN(2)]
			}
			return torn(rnd, op) // any sector of any
		}, false)
	})
}

// apply is the file with what keep leaves of each operation that was not synced.
func (f *replayed) apply(keep func(Op) []Op, all bool) []byte {
	b := append(make([]byte, 0, len(f.synced)+1<<16), f.synced...)
	for _, op := range f.later {
		if all {
			b = apply(b, op)
			continue
		}
		for _, part := range keep(op) {
			b = apply(b, part)
		}
	}
	return b
}

// torn is an operation of which only some sectors got to the disk.
func torn(rnd *rand.Rand, op Op) (parts []Op) {
	if op.Kind == Truncate {
		return []Op{op}[:rnd.IntN(2)]
	}
	for len(op.Data) > 0 {
		n := min(sector-op.Off%sector, int64(len(op.Data)))
		if rnd.IntN(2) == 0 {
			parts = append(parts, Op{Kind: Write, Off: op.Off, Data: op.Data[:n]})
		}
		op.Off, op.Data = op.Off+n, op.Data[n:]
	}
	return parts
}

func (r *Replay) image(names map[string]int, content func(*replayed) []byte) map[string][]byte {
	m := map[string][]byte{}
	for name, id := range names {
		m[name] = content(r.files[id])
	}
	return m
}
