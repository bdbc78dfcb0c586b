package api

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tincan"
)

// sessions are what callers opened for as long as they follow the events.
type sessions struct {
	mu      sync.Mutex
	open    map[string]*session
	closing map[string]chan struct{} // rooms that are being hung up; closed when that is done
}

// session is one caller: its event streams, and what it opened.
type session struct {
	streams   int
	listeners []string
	rooms     []string
}

// begin counts an event stream in.
func (s *sessions) begin(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[name] == nil {
		s.open[name] = &session{}
	}
	s.open[name].streams++
}

// end counts an event stream out. After the last one it returns what is to be closed: all listeners of the
// session, and the rooms that no other session dialled too, which are closing from here on.
func (s *sessions) end(name string) (listeners, rooms []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := s.open[name]
	if gone.streams--; gone.streams > 0 {
		return nil, nil
	}
	delete(s.open, name)
	for _, room := range gone.rooms {
		if !s.owned(room) && s.closing[room] == nil {
			s.closing[room] = make(chan struct{})
			rooms = append(rooms, room)
		}
	}
	return gone.listeners, rooms
}

// closed says that a room has been hung up.
func (s *sessions) closed(room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.closing[room])
	delete(s.closing, room)
}

// owned reports whether a session dialled the room. The caller holds mu.
func (s *sessions) owned(room string) bool {
	for _, o := range s.open {
		if slices.Contains(o.rooms, room) {
			return true
		}
	}
	return false
}

// find returns the session, or an error that says how to have one.
func (s *sessions) find(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[name] == nil {
		return fail(tincan.CodeRefused, nil, say("no events call of session %q is open", shorten(name)),
			say("call events with this session first"))
	}
	return nil
}

// ownListener notes that a session opened a listener; false when the session has ended.
func (s *sessions) ownListener(name, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.open[name]
	if o != nil {
		o.listeners = append(o.listeners, id)
	}
	return o != nil
}

// ownRoom notes that a session dialled a room, which somebody dialled before or not. A room that somebody
// other than a session dials is not the session's. If the room is being hung up, the dial was lost: wait, and
// dial again. If the session has ended, the room is closing and the caller has to hang it up.
func (s *sessions) ownRoom(name, room string, before bool) (wait chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait = s.closing[room]; wait != nil {
		return wait, true
	}
	if before && !s.owned(room) {
		return nil, true
	}
	o := s.open[name]
	switch {
	case o == nil && s.owned(room):
		return nil, true
	case o == nil:
		s.closing[room] = make(chan struct{})
		return nil, false
	case !slices.Contains(o.rooms, room):
		o.rooms = append(o.rooms, room)
	}
	return nil, true
}

// disown lets a room outlive the sessions that dialled it. If it is being hung up, the dial was lost: wait,
// and dial again.
func (s *sessions) disown(room string) (wait chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.open {
		o.rooms = slices.DeleteFunc(o.rooms, func(r string) bool { return r == room })
	}
	return s.closing[room]
}

// errLeft is a session that ended while something was being opened for it.
var errLeft = fail(tincan.CodeClosed, nil, say("the session has ended"), nothing)

// listenFor listens until a session ends.
func (s *Server) listenFor(ctx context.Context, session, addr string) (any, error) {
	if err := s.sessions.find(session); err != nil {
		return nil, err
	}
	l, err := s.talker.Listen(ctx, addr)
	if err != nil {
		return nil, err
	}
	if !s.sessions.ownListener(session, l.ID) {
		s.closeAll(ctx, []string{l.ID}, nil)
		return nil, errLeft
	}
	return l, nil
}

// dialFor dials until a session ends. An address that somebody else dials already stays when it does.
func (s *Server) dialFor(ctx context.Context, session, addr string) (any, error) {
	for {
		if err := s.sessions.find(session); err != nil {
			return nil, err
		}
		st, err := s.talker.Status(ctx)
		if err != nil {
			return nil, err
		}
		r, err := s.talker.Dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		before := slices.ContainsFunc(st.Rooms, func(b tincan.RoomStatus) bool { return b.Name == r.Name && b.Dial != nil })
		wait, ok := s.sessions.ownRoom(session, r.Name, before)
		switch {
		case !ok:
			s.closeAll(ctx, nil, []string{r.Name})
			return nil, errLeft
		case wait == nil:
			return r, nil
		}
		if err := until(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// dialOn dials for good.
func (s *Server) dialOn(ctx context.Context, addr string) (any, error) {
	for {
		r, err := s.talker.Dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		wait := s.sessions.disown(r.Name)
		if wait == nil {
			return r, nil
		}
		if err := until(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func until(ctx context.Context, done chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closingTime bounds how long a session's end may take: what is owed gets its moment to go out.
const closingTime = 20 * time.Second

// closeAll stops listeners, closes the links that came in by them, and hangs up rooms that are closing. It goes
// on when the caller is gone.
func (s *Server) closeAll(ctx context.Context, listeners, rooms []string) {
	if len(listeners)+len(rooms) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	var wg sync.WaitGroup
	for _, room := range rooms {
		wg.Go(func() {
			defer s.sessions.closed(room)
			s.note("hang up "+room, s.talker.HangUp(ctx, room))
		})
	}
	for _, id := range listeners {
		s.note("stop "+id, s.talker.StopListening(ctx, id))
	}
	if len(listeners) > 0 {
		st, err := s.talker.Status(ctx)
		s.note("look for links", err)
		for _, l := range st.Links {
			if l.Listener != "" && slices.Contains(listeners, l.Listener) {
				wg.Go(func() { s.note(fmt.Sprintf("disconnect link %d", l.ID), s.talker.Disconnect(ctx, l.ID)) })
			}
		}
	}
	wg.Wait()
}

// note logs what did not work; that something is gone already is no trouble.
func (s *Server) note(what string, err error) {
	if err == nil {
		return
	}
	if _, _, code := tincan.Explain(err); code != tincan.CodeNotFound && code != tincan.CodeClosed {
		s.log.Warn("closing a session: "+what, "err", err)
	}
}
