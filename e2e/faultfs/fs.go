//go:build linux

// Package faultfs is a disk in memory that a program sees as a folder, by FUSE. It notes in order what was written and
// what was synced, so that a test can make every state in which a real disk may be after a loss of power ([Replay]), and it
// fails as a disk does when it is told to ([Disk.Fail]). It knows one level of folders, and only what a database needs: no
// links, no owners, no times.
package faultfs

import (
	"context"
	"fmt"
	"os"
	"path"
	"strconv"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Kind says what an operation does.
type Kind int

// The operations of a trace. Mark is none of the program's: a test puts it there, to know what had happened before it.
const (
	Create Kind = iota
	Write
	Truncate
	Sync    // of a file's bytes
	SyncDir // of a folder's names
	Rename
	Remove
	Mark
)

// Op is one operation, in the order in which they came.
type Op struct {
	Kind Kind
	File int    // which file, by creation
	Path string // of names: the path from the mount point
	To   string // of Rename
	Off  int64  // of Write; the size, of Truncate
	Data []byte
	Mark any
}

// Disk is a mounted disk.
type Disk struct {
	server *fuse.Server

	mu    sync.Mutex
	files int
	trace []Op
	quiet func(path string) bool
	fail  func(op Op) syscall.Errno
}

// size is the disk's, all of it free: a program that keeps a part of a disk free finds it.
const size = 64 << 30

// Mount mounts an empty disk on an existing folder. It needs root and /dev/fuse. Operations on files for which quiet
// says true are not noted.
func Mount(dir string, quiet func(path string) bool) (*Disk, error) {
	d := &Disk{quiet: quiet}
	syscall.ForkLock.RLock() // no program is started until it cannot inherit the disk
	defer syscall.ForkLock.RUnlock()
	server, err := fs.Mount(dir, &folder{d: d}, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "faultfs", MaxWrite: 1 << 17}})
	if err != nil {
		return nil, fmt.Errorf("mount: %w", err)
	}
	d.server = server
	closeOnExec()
	return d, nil
}

// closeOnExec keeps the disks of this process from the programs that it starts. One that is on a disk and holds it too
// would wait for ever for a disk that nobody serves, should this process be killed: the kernel ends a disk when the last
// who holds it is gone.
func closeOnExec() {
	const folder = "/proc/self/fd"
	fds, _ := os.ReadDir(folder)
	for _, fd := range fds {
		if to, _ := os.Readlink(path.Join(folder, fd.Name())); to == "/dev/fuse" {
			n, _ := strconv.Atoi(fd.Name())
			syscall.CloseOnExec(n)
		}
	}
}

// Unmount takes the disk away; no program may use it any more.
func (d *Disk) Unmount() error { return d.server.Unmount() }

// Mark notes that something has happened: all that the program did for it is in the trace before.
func (d *Disk) Mark(v any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trace = append(d.trace, Op{Kind: Mark, Mark: v})
}

// Trace is what was noted so far.
func (d *Disk) Trace() []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.trace[:len(d.trace):len(d.trace)]
}

// Fail has f say of each operation, before it is done, with which error it fails; 0 lets it be done. nil ends that.
func (d *Disk) Fail(f func(op Op) syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = f
}

// do notes an operation, unless it is to fail.
func (d *Disk) do(name string, op Op) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if op.Path == "" {
		op.Path = name
	}
	if d.fail != nil {
		if errno := d.fail(op); errno != 0 {
			return errno
		}
	}
	if !d.quiet(name) {
		d.trace = append(d.trace, op)
	}
	return 0
}

// folder is a directory.
type folder struct {
	fs.Inode
	d *Disk
}

var (
	_ fs.NodeCreater   = (*folder)(nil)
	_ fs.NodeMkdirer   = (*folder)(nil)
	_ fs.NodeRenamer   = (*folder)(nil)
	_ fs.NodeUnlinker  = (*folder)(nil)
	_ fs.NodeFsyncer   = (*folder)(nil)
	_ fs.NodeStatfser  = (*folder)(nil)
	_ fs.NodeSetattrer = (*folder)(nil)
	_ fs.NodeGetattrer = (*folder)(nil)
)

func (f *folder) path(name string) string { return path.Join(f.Path(nil), name) }

func (f *folder) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = 0o700
	return 0
}

func (f *folder) Setattr(ctx context.Context, h fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return f.Getattr(ctx, h, out)
}

func (f *folder) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	out.Mode = mode
	return f.NewPersistentInode(ctx, &folder{d: f.d}, fs.StableAttr{Mode: syscall.S_IFDIR}), 0
}

func (f *folder) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	f.d.mu.Lock()
	f.d.files++
	n := &file{d: f.d, id: f.d.files, mode: mode & 0o777}
	f.d.mu.Unlock()
	p := f.path(name)
	if errno := f.d.do(p, Op{Kind: Create, File: n.id}); errno != 0 {
		return nil, nil, 0, errno
	}
	out.Mode = n.mode
	return f.NewPersistentInode(ctx, n, fs.StableAttr{Mode: syscall.S_IFREG}), nil, 0, 0
}

func (f *folder) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, _ uint32) syscall.Errno {
	return f.d.do(f.path(name), Op{Kind: Rename, To: path.Join(to.EmbeddedInode().Path(nil), newName)})
}

func (f *folder) Unlink(_ context.Context, name string) syscall.Errno {
	return f.d.do(f.path(name), Op{Kind: Remove})
}

func (f *folder) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return f.d.do(f.Path(nil), Op{Kind: SyncDir})
}

func (f *folder) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	out.Blocks, out.Bfree = size/4096, size/4096
	out.Bavail = out.Bfree
	return 0
}

// file is a file.
type file struct {
	fs.Inode
	d    *Disk
	id   int
	mode uint32

	mu   sync.Mutex
	data []byte
}

var (
	_ fs.NodeOpener    = (*file)(nil)
	_ fs.NodeReader    = (*file)(nil)
	_ fs.NodeWriter    = (*file)(nil)
	_ fs.NodeFsyncer   = (*file)(nil)
	_ fs.NodeGetattrer = (*file)(nil)
	_ fs.NodeSetattrer = (*file)(nil)
)

func (f *file) path() string { return f.Path(nil) }

func (f *file) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) { return nil, 0, 0 }

func (f *file) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(dest, f.data[min(off, int64(len(f.data))):])
	return fuse.ReadResultData(dest[:n]), 0
}

func (f *file) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	op := Op{Kind: Write, File: f.id, Off: off, Data: append([]byte(nil), data...)}
	if errno := f.d.do(f.path(), op); errno != 0 {
		return 0, errno
	}
	f.data = write(f.data, off, data)
	return uint32(len(data)), 0
}

func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return f.d.do(f.path(), Op{Kind: Sync, File: f.id})
}

func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attr(out)
	return 0
}

func (f *file) attr(out *fuse.AttrOut) {
	out.Mode, out.Size, out.Blocks = f.mode, uint64(len(f.data)), uint64(len(f.data)+511)/512
	out.Nlink = 1 // a database that has no name any more is not used
}

func (f *file) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	if mode, ok := in.GetMode(); ok {
		f.mode = mode & 0o777
	}
	if n, ok := in.GetSize(); ok {
		if errno := f.d.do(f.path(), Op{Kind: Truncate, File: f.id, Off: int64(n)}); errno != 0 {
			return errno
		}
		f.data = resize(f.data, int64(n))
	}
	f.attr(out)
	return 0
}

// write is what b is after data is written at off.
func write(b []byte, off int64, data []byte) []byte {
	if end := off + int64(len(data)); end > int64(len(b)) {
		b = resize(b, end)
	}
	copy(b[off:], data)
	return b
}

// resize cuts b, or fills it up with zeros.
func resize(b []byte, n int64) []byte {
	if n <= int64(len(b)) {
		return b[:n:n]
	}
	if n <= int64(cap(b)) {
		old := len(b)
		b = b[:n]
		clear(b[old:])
		return b
	}
	return append(make([]byte, 0, n+n/4), append(b, make([]byte, n-int64(len(b)))...)...)
}
