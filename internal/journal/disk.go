package journal

import (
	"math"
	"time"
)

const (
	reserveMost = 256 << 20 // of the disk's space is left for everything else; 5 % if that is less
	commitCost  = 64 << 10  // about what a commit takes on the disk beside its ops
	opCost      = 8 << 10   // and an op beside its bytes: the page that it begins on, and its room's
)

// disk is what the writer knows of the disk and of the log on it.
type disk struct {
	looked time.Time
	free   int64 // bytes; -1 if not known
	left   int64 // of these above the reserve
	wal    int64 // the log's size
}

// spaceLeft is how many bytes may still be written above the reserve; need are wanted. What is in the log counts
// as used twice: it is still to be copied into the database. Only the writer calls it.
func (j *Journal) spaceLeft(need int64) int64 {
	d := &j.writer.disk
	if d.left > plenty && time.Since(d.looked) < lookAfter {
		return d.left
	}
	if j.look(); d.left < need && j.reclaim() {
		j.look()
	}
	return d.left
}

const (
	plenty    = 1 << 30 // is not written within lookAfter
	lookAfter = 50 * time.Millisecond
)

func (j *Journal) look() {
	d := &j.writer.disk
	free, all := diskSpace(j.dir)
	d.looked, d.free, d.wal = time.Now(), free, max(fileSize(j.walPath()), 0)
	if d.left = free - d.wal - min(reserveMost, all/20) - commitCost; free < 0 {
		d.left = math.MaxInt64
	}
}

// cost is about what an op takes on the disk: pages hold less than they are long. All small ops cost the same, so that a
// full disk refuses them together.
func (o *op) cost() int64 { return int64(opCost + (o.size+o.size/4+511)&^511) }

func freeSpace(dir string) int64 {
	free, _ := diskSpace(dir)
	return free
}
