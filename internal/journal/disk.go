package journal

import "math"

const (
	reserveMost = 256 << 20 // of the disk's space is left for everything else; 5 % if that is less
	commitCost  = 64 << 10  // about what a commit takes on the disk beside its ops
	opCost      = 8 << 10   // and an op beside its bytes: the page that it begins on, and its room's
)

// spaceLeft is how many bytes may still be written above the reserve; need are wanted. What is in the log counts as used twice: it
// is still to be copied into the database. Only the writer calls it.
func (j *Journal) spaceLeft(need int64) int64 {
	left := j.look() - commitCost
	if left < need && j.reclaim() {
		left = j.look() - commitCost
	}
	return left
}

// cost is about what an op takes on the disk: pages hold less than they are long.
func (o *op) cost() int64 { return int64(o.size + o.size/4 + opCost) }

func (j *Journal) look() (left int64) {
	free, all := diskSpace(j.dir)
	if j.writer.free = free; free < 0 {
		return math.MaxInt64
	}
	return free - max(fileSize(j.walPath()), 0) - min(reserveMost, all/20)
}

func freeSpace(dir string) int64 {
	free, _ := diskSpace(dir)
	return free
}
