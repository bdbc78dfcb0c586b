//go:build linux || darwin

package journal

import (
	"time"

	"golang.org/x/sys/unix"
)

// freeSpace is how many bytes a user may still write to the disk of a folder; -1 if that is not known.
func freeSpace(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return -1
	}
	return int64(st.Bavail) * int64(st.Bsize)
}

// reserve is what is left free on the disk for everything else: 5 %, at most 256 MiB.
func reserve(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return 0
	}
	return min(256<<20, int64(st.Blocks)*int64(st.Bsize)/20)
}

// spaceFor is how long a look at the disk is good for.
const spaceFor = 100 * time.Millisecond

// shortOfSpace returns the free space when it is below the reserve, else -1. Only the writer calls it.
func (j *Journal) shortOfSpace() int64 {
	w := &j.writer
	if now := time.Now(); now.Sub(w.looked) > spaceFor {
		w.looked, w.short = now, -1
		if free := freeSpace(j.dir); free >= 0 && free < reserve(j.dir) {
			w.short = free
		}
	}
	return w.short
}
