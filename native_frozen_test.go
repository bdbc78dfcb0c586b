package tincan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tincan/internal/stream"
)

// The journals of testdata/journal-2 were made by a tincan of schema 2: a host that keeps four messages, and a guest that
// has joined its room twice, one message of which waits.
func TestOpensSecondVersion(t *testing.T) {
	open := func(name string) *Node {
		b, err := os.ReadFile(filepath.Join("testdata", "journal-2", name+".db"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "journal.db"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return openHere(t, dir)
	}
	host, guest := open("host"), open("guest")
	ps, err := host.Peers(t.Context())
	if err != nil || len(ps) != 1 || ps[0].State != Trusted || ps[0].Via != "ticket" || ps[0].Room != lobby {
		t.Errorf("peers %+v, %v", ps, err)
	}
	guest.id = ps[0].ID // what it has said itself is in the chain under its key, which is not in the testdata
	const copy = "tincan://127.0.0.1:7612"
	for _, at := range []struct {
		n    *Node
		room string
	}{{host, lobby}, {guest, copy}} {
		ms, err := at.n.History(t.Context(), at.room, 0, 100)
		var said []string
		for i, m := range ms {
			if said = append(said, string(m.Body)); m.Offset != int64(i+4) || len(m.ID) != 26 {
				t.Errorf("%s: %+v", at.room, m)
			}
		}
		if got := strings.Join(said, ", "); err != nil || got != "message 4, message 5, message 6, …, after" {
			t.Errorf("%s: %s, %v", at.room, got, err)
		}
		gaps, err := at.n.Gaps(t.Context(), at.room)
		if err != nil || len(gaps) != 1 || gaps[0].First != 1 || gaps[0].Last != 3 {
			t.Errorf("%s: gaps %+v, %v", at.room, gaps, err)
		}
		id := roomID(t, at.n, at.room)
		rec, err := at.n.journal.RoomByID(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		before, known, err := at.n.journal.ChainAt(t.Context(), id, 7) // walked over what is stored
		es, rerr := at.n.journal.Read(t.Context(), id, 7, 1, 1<<20)
		if err != nil || rerr != nil || !known || len(es) != 1 {
			t.Fatal(known, err, rerr, len(es))
		}
		pos, err := at.n.journal.Position(t.Context(), id)
		if got := stream.Next(before, 8, at.n.record(rec, &es[0], nil)); err != nil || got != pos.Chain || pos.N != 8 {
			t.Errorf("%s: the chain at 8 is %x, stored is %x at %d, %v", at.room, got, pos.Chain, pos.N, err)
		}
	}
	if ms, err := guest.Pending(t.Context(), copy, 10); err != nil || len(ms) != 1 || string(ms[0].Body) != "waits" {
		t.Errorf("%+v waits, %v", ms, err)
	}
	p, _, err := host.journal.Inbox(t.Context(), ps[0].ID)
	if err != nil || p.N != 8 {
		t.Errorf("of the guest's outbox %d are stored, %v", p.N, err)
	}
	if ks, err := host.Tickets(t.Context()); err != nil || len(ks) > 2 {
		t.Errorf("tickets %+v, %v", ks, err)
	}
}
