package tincan

import "sync"

// spool commits what a session's reader puts into it, in order: all that came while one commit was under way goes into
// the next. So a commit holds as much as the disk's pace makes it, and the reader reads on meanwhile.
type spool[T any] struct {
	slabs  *slabs[T]
	commit func([]T) error // one at a time
	failed func(error)     // what could not be committed ends the session

	mu      sync.Mutex
	still   sync.Cond // of mu: nothing is under way, or there is room
	items   []T       // from slabs
	bytes   int
	running bool
	err     error
}

// spoolBytes may wait for a commit; then the reader waits, and the peer with it.
const spoolBytes = 4 << 20

func newSpool[T any](slabs *slabs[T], commit func([]T) error, failed func(error)) *spool[T] {
	s := &spool[T]{slabs: slabs, commit: commit, failed: failed}
	s.still.L = &s.mu
	return s
}

// slabs are slices that are used again, by any session: one that says nothing holds none.
type slabs[T any] struct{ pool sync.Pool }

func (s *slabs[T]) get() []T {
	if b, ok := s.pool.Get().(*[]T); ok {
		return *b
	}
	return nil
}

func (s *slabs[T]) put(b []T) {
	clear(b)
	b = b[:0]
	s.pool.Put(&b)
}

// put adds items, a slice of the slabs, which is the spool's from here on.
func (s *spool[T]) put(items []T, bytes int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.bytes > spoolBytes && s.err == nil {
		s.still.Wait()
	}
	if s.err != nil || len(items) == 0 {
		return s.err
	}
	if s.items == nil {
		s.items = items
	} else {
		s.items = append(s.items, items...)
		s.slabs.put(items)
	}
	s.bytes += bytes
	if !s.running {
		s.running = true
		go s.run()
	}
	return nil
}

// flush returns when everything that was put is committed.
func (s *spool[T]) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.running {
		s.still.Wait()
	}
	return s.err
}

func (s *spool[T]) run() {
	s.mu.Lock()
	for s.err == nil && len(s.items) > 0 {
		items := s.items
		s.items, s.bytes = nil, 0
		s.still.Broadcast()
		s.mu.Unlock()
		err := s.commit(items)
		s.slabs.put(items)
		s.mu.Lock()
		s.err = err
	}
	s.running = false
	err := s.err
	s.still.Broadcast()
	s.mu.Unlock()
	if err != nil {
		s.failed(err)
	}
}
