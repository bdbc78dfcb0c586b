package journal

import "golang.org/x/sys/windows"

// diskSpace is how many bytes a user may still write to the disk of a folder, and how large it is; -1 if that is
// not known.
func diskSpace(dir string) (free, all int64) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1, -1
	}
	var f, a uint64
	if windows.GetDiskFreeSpaceEx(path, &f, &a, nil) != nil {
		return -1, -1
	}
	return int64(f), int64(a)
}
