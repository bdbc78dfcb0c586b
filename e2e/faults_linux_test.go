package e2e

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tincan/e2e/faultfs"
)

// ill is a host and a guest whose disk fails under one of them.
type ill struct {
	t           *testing.T
	d           *faultfs.Disk
	dir, port   string
	host, guest *proc
	said        int
	told        map[string]string // what the guest was told of each message
}

func (i *ill) startHost() {
	i.host = tincan(i.t, i.dir+"/host", "listen", "tincan://127.0.0.1:"+i.port+"?admit=open", "--json")
	i.host.on("listening")
}

func (i *ill) startGuest() {
	i.guest = dial(i.t, i.dir+"/guest", "tincan://127.0.0.1:"+i.port+"?accept=new")
	i.guest.mu.Lock()
	i.guest.mark = func(e event) {
		if e.Event == "receipt" && (e.State == "queued" || e.State == "stored") {
			i.told[e.ID] = e.State
		}
	}
	i.guest.mu.Unlock()
	i.guest.on("connected")
}

func (i *ill) say(n int) {
	var b strings.Builder
	for range n {
		b.WriteString(object("text", fmt.Sprint(i.said), "id", fmt.Sprint("message ", i.said)) + "\n")
		i.said++
	}
	i.guest.write(b.String())
}

func (i *ill) stored(n int) {
	i.t.Helper()
	i.guest.on("receipt", func(e event) bool { return e.State == "stored" && e.ID == fmt.Sprint("message ", n) })
}

// TestDiskFaults lets the disk of a host or of a guest fail while they talk. Nobody crashes, nothing is told to be stored
// that is not, the guest hears why, and it goes on: by itself when the disk is well again, or, after a write that may be
// half done, when the program is started again.
func TestDiskFaults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		errno   syscall.Errno
		kind    faultfs.Kind
		restart bool
	}{
		{"full", syscall.ENOSPC, faultfs.Write, false},
		{"read-only", syscall.EROFS, faultfs.Write, true},
		{"no writes", syscall.EIO, faultfs.Write, true},
		{"no syncs", syscall.EIO, faultfs.Sync, true},
	} {
		for _, who := range []string{"host", "guest"} {
			t.Run(who+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				if who == "host" && tt.restart && tt.kind == faultfs.Write && os.Getenv("TINCAN_TORTURE") == "" {
					return // a guest comes again after 30 s: one such wait is enough
				}
				d, dir := faultDisk(t)
				i := &ill{t: t, d: d, dir: dir, port: freePort(t), told: map[string]string{}}
				i.startHost()
				i.startGuest()
				i.say(20)
				i.stored(19)
				d.Fail(func(op faultfs.Op) syscall.Errno {
					if op.Kind == tt.kind && strings.HasPrefix(op.Path, who+"/journal") && !strings.HasSuffix(op.Path, "-shm") {
						return tt.errno
					}
					return 0
				})
				began := time.Now()
				i.say(20)
				t.Logf("after %v: %s", time.Since(began).Round(time.Millisecond), i.why(began))
				d.Fail(nil)
				if tt.restart {
					i.restart(who)
				}
				i.say(1)
				i.stored(i.said - 1)
				i.check(!tt.restart)
			})
		}
	}
}

// why waits until the guest says that something is wrong, and returns that.
func (i *ill) why(began time.Time) (why string) {
	eventually(i.t, patience, func() error {
		i.guest.mu.Lock()
		defer i.guest.mu.Unlock()
		for _, e := range i.guest.events {
			if e.At.After(began) && (e.Event == "disconnected" || e.Event == "error" || e.Error != "") {
				why = e.String()
				return nil
			}
		}
		if why = i.guest.err.String(); why != "" {
			return nil
		}
		return errors.New("the guest says nothing")
	})
	return why
}

// restart ends a side whose journal has failed, and starts it again.
func (i *ill) restart(who string) {
	p, begin := i.host, i.startHost
	if who == "guest" {
		p, begin = i.guest, i.startGuest
	}
	p.kill()
	i.t.Logf("the %s had said: %s", who, p.stderr())
	begin()
}

// check reads both journals: what was told to be queued is there, once, in order, and so is all that was told to be stored;
// and where nobody was killed, all that was said.
func (i *ill) check(all bool) {
	i.guest.finish()
	i.guest.wantExit(0)
	i.host.finish()
	i.host.wantExit(0)
	for dir, room := range map[string]string{"host": "lobby", "guest": "tincan://127.0.0.1:" + i.port} {
		last := -1
		has := map[string]bool{}
		for _, e := range logOf(i.t, i.dir+"/"+dir, room) {
			n, _ := strconv.Atoi(e.body())
			if n <= last {
				i.t.Errorf("%s: %d comes after %d", dir, n, last)
			}
			last = n
			has["message "+e.body()] = true
		}
		if all && len(has) != i.said {
			i.t.Errorf("%s: %d of %d are there", dir, len(has), i.said)
		}
		for id, state := range i.told {
			if !has[id] {
				i.t.Errorf("%s: %s was told to be %s and is not there", dir, id, state)
			}
		}
	}
}
