package tincan

import (
	"time"
)

const (
	tidyEvery   = 30 * time.Second
	askingKept  = 1000 // keys that asked and were not answered
	strangeKept = 10_000
	strangeAge  = 90 * 24 * time.Hour // since a key was last seen that nobody trusted or named
)

// tidy keeps rooms within their bounds as more comes, and forgets strangers.
func (n *Node) tidy() {
	defer n.wg.Done()
	t := time.NewTicker(tidyEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := n.tidyNow(); err != nil && n.ctx.Err() == nil {
				n.trouble(err, nil)
			}
		case <-n.ctx.Done():
			return
		}
	}
}

func (n *Node) tidyNow() error {
	rooms, err := n.journal.Bounded(n.ctx)
	if err != nil {
		return err
	}
	for _, id := range rooms {
		if err := n.journal.Trim(n.ctx, id); err != nil {
			return err
		}
	}
	peers, err := n.journal.Peers(n.ctx)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, p := range peers {
		count[p.State]++
	}
	for state, most := range map[PeerState]int{Asking: askingKept, Seen: strangeKept} {
		if count[string(state)] == 0 {
			continue
		}
		if err := n.journal.PrunePeers(n.ctx, string(state), time.Now().Add(-strangeAge), most); err != nil {
			return err
		}
	}
	return nil
}
