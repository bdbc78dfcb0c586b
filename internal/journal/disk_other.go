//go:build !linux && !darwin

package journal

func freeSpace(string) int64 { return -1 }

func (j *Journal) shortOfSpace() int64 { return -1 }
