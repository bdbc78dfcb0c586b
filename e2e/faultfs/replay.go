//go:build linux

package faultfs

import (
	"maps"
	"math/rand/v2"
	"path"
	"slices"
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
}

// replayed is one file.
type replayed struct {
	synced []byte
	later  []Op // that were not synced
}

// NewReplay returns a replay of a trace, before its first operation.
func NewReplay(trace []Op) *Replay {
	return &Replay{ops: trace, files: map[int]*replayed{}, names: map[string]int{}}
}

// To goes on to an operation: that one and what follows has not happened.
func (r *Replay) To(at int) {
	for ; r.at < at; r.at++ {
		switch op := r.ops[r.at]; op.Kind {
		case Create, Rename, Remove:
			if op.Kind == Create {
				r.files[op.File] = &replayed{}
			}
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

// Crash is one of the states in which the disk may be when the power is lost here.
func (r *Replay) Crash(rnd *rand.Rand) map[string][]byte {
	names := maps.Clone(r.names)
	for _, op := range r.later[:rnd.IntN(len(r.later)+1)] { // of names a disk keeps the order
		rename(names, op)
	}
	how := rnd.IntN(5)
	disk := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(names)) { // in one order, so that a seed means one state
		disk[name] = r.files[names[name]].crash(rnd, how)
	}
	return disk
}

// crash is what is left of a file: what was synced, and of the operations after that what how says.
func (f *replayed) crash(rnd *rand.Rand, how int) []byte {
	b := append(make([]byte, 0, len(f.synced)+1<<16), f.synced...)
	kept := rnd.IntN(len(f.later) + 1)
	for i, op := range f.later {
		var parts []Op
		switch {
		case how == 0, how == 1 && i >= kept: // nothing; the first ones
		case how == 1 && i < kept-1, how == 2: // and the last of them torn; everything
			parts = []Op{op}
		case how == 3: // any of them
			parts = []Op{op}[:rnd.IntN(2)]
		default: // any sector of any
			parts = torn(rnd, op)
		}
		for _, part := range parts {
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
