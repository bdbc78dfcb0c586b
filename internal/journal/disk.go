package journal

import "time"

const (
	reserveMost = 256 << 20 // of the disk's space is left for everything else; 5 % if that is less
	spaceFor    = 100 * time.Millisecond
)

// shortOfSpace returns the free space when it is below the reserve, else -1. A look at the disk is good for a
// short while. Only the writer calls it.
func (j *Journal) shortOfSpace() int64 {
	w := &j.writer
	if now := time.Now(); now.Sub(w.looked) > spaceFor {
		w.looked, w.short = now, -1
		if free, all := diskSpace(j.dir); free >= 0 && free < min(reserveMost, all/20) {
			w.short = free
		}
	}
	return w.short
}

func freeSpace(dir string) int64 {
	free, _ := diskSpace(dir)
	return free
}
