//go:build linux || darwin

package journal

import "golang.org/x/sys/unix"

// diskSpace is how many bytes a user may still write to the disk of a folder, and how large it is; -1 if that is
// not known.
func diskSpace(dir string) (free, all int64) {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return -1, -1
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize)
}
