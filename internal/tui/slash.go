package tui

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"tincan"
)

// command is a line that begins with a slash.
type command struct {
	name string
	args string // as the help shows them
	help string // a word's key
	do   func(s *screen, arg string) tea.Cmd
}

func commands() []command {
	plain := func(f func(*screen) tea.Cmd) func(*screen, string) tea.Cmd {
		return func(s *screen, _ string) tea.Cmd { return f(s) }
	}
	return append([]command{
		{"help", "", "help.help", plain((*screen).toggleHelp)},
		{"to", "all|ROOM", "help.to", (*screen).to},
		{"codec", "NAME", "help.codec", (*screen).setCodec},
		{"encoding", "gbk", "help.encoding", (*screen).setEncoding},
		{"hex", "0D 0A", "help.sendhex", (*screen).sendHex},
		{"pause", "", "help.pause1", plain(func(s *screen) tea.Cmd {
			return s.onLink(func(l *link) tea.Cmd { return s.reading(l, tincan.Pause) })
		})},
		{"resume", "", "help.resume", plain(func(s *screen) tea.Cmd {
			return s.onLink(func(l *link) tea.Cmd { return s.reading(l, tincan.Resume) })
		})},
		{"one", "", "help.one", plain((*screen).readOne)},
		{"send-held", "", "help.send", plain((*screen).sendHeld)},
		{"discard-held", "", "help.discard", plain((*screen).discardHeld)},
		{"disconnect", "", "help.disconnect", plain((*screen).askDisconnect)},
		{"redial", "", "help.redial", plain((*screen).redial)},
		{"dial", "ADDR", "help.dial", (*screen).dialMore},
		{"listen", "ADDR", "help.listen", (*screen).listenMore},
		{"stop", "", "help.stop", plain((*screen).stopListening)},
		{"save", "FILE", "help.save", (*screen).save},
		{"quit", "", "help.quit", plain((*screen).quit)},
	}, doorCommands()...)
}

// command runs a line that begins with a slash. What cannot be run stays in the box.
func (s *screen) command(line string) tea.Cmd {
	name, arg, _ := strings.Cut(strings.TrimPrefix(line, "/"), " ")
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		arg = strings.TrimSpace(arg)
		if arg == "" && c.args != "" && c.args[0] != '[' && c.name != "hex" && c.name != "codec" {
			s.tell(bad, s.say.t("slash.needs", name, c.args))
			return nil
		}
		s.box.remember(line)
		s.box.set("")
		return c.do(s, arg)
	}
	s.tell(bad, s.say.t("slash.unknown", Clean(name)))
	return nil
}

// to goes to a room by its name, its label or a part of it; "all" sends to all of them.
func (s *screen) to(arg string) tea.Cmd {
	if arg == "all" {
		s.toAll = true
		return nil
	}
	s.toAll = false
	var like []*room
	for _, r := range s.listed() {
		switch {
		case r.name == arg || r.label() == arg:
			return s.show(r)
		case strings.Contains(r.label(), arg):
			like = append(like, r)
		}
	}
	switch len(like) {
	case 1:
		return s.show(like[0])
	case 0:
		s.tell(bad, s.say.t("to.none", Clean(arg)))
	default:
		s.tell(bad, s.say.t("to.many", len(like), Clean(arg)))
	}
	return nil
}

func (s *screen) setCodec(arg string) tea.Cmd {
	if arg == "" {
		return s.chooseCodec()
	}
	return s.onLink(func(l *link) tea.Cmd {
		id := l.ID
		return s.do(func() error { return s.talker.SetCodec(s.ctx, id, arg) }, "codec.set", Clean(arg))
	})
}

func (s *screen) setEncoding(arg string) tea.Cmd {
	r := s.current()
	if r == nil {
		s.tell(bad, s.say.t("no.room"))
		return nil
	}
	enc, err := tincan.ParseEncoding(arg)
	if err != nil {
		s.fail(err)
		return nil
	}
	name := r.name
	return func() tea.Msg {
		err := s.talker.SetEncoding(s.ctx, name, enc)
		return doneMsg{key: "encoding.set", args: []any{arg}, reload: name, err: err}
	}
}

// sendHex sends bytes written as hex digits; without any it toggles the hex view.
func (s *screen) sendHex(arg string) tea.Cmd {
	if arg == "" {
		return s.toggleHex()
	}
	b, err := parseHex(arg)
	if err != nil {
		s.box.set("/hex " + arg)
		s.tell(bad, s.say.t("hex.bad", Clean(arg)))
		return nil
	}
	return s.send("/hex "+arg, func(*room) ([]byte, error) { return b, nil })
}

// parseHex reads "0D 0A", "0d0a", "0x0D,0x0A" or `\x0d\x0a`.
func parseHex(s string) ([]byte, error) {
	s = strings.NewReplacer("0x", " ", "0X", " ", `\x`, " ", ",", " ", ":", " ", "-", " ").Replace(s)
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	return hex.DecodeString(s)
}

func (s *screen) dialMore(arg string) tea.Cmd   { return s.dial(arg, false) }
func (s *screen) listenMore(arg string) tea.Cmd { return s.listen(arg, false) }

// stopListening closes every listener; links go on.
func (s *screen) stopListening() tea.Cmd {
	if len(s.listeners) == 0 {
		s.tell(calm, s.say.t("stop.none"))
		return nil
	}
	var cmds []tea.Cmd
	for _, l := range s.listeners {
		cmds = append(cmds, s.do(func() error { return s.talker.StopListening(s.ctx, l.ID) }, ""))
	}
	return tea.Batch(cmds...)
}

// save writes the whole room to a new file: a line of JSON per message if its name ends in .json or .jsonl,
// else a line of text.
func (s *screen) save(file string) tea.Cmd {
	r := s.current()
	if r == nil {
		s.tell(bad, s.say.t("no.room"))
		return nil
	}
	name := r.name
	return func() tea.Msg {
		n, err := s.write(name, file)
		return doneMsg{key: "saved", args: []any{n, Clean(file)}, err: err}
	}
}

func (s *screen) write(room, file string) (n int, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("save %s: %w", file, err)
	}
	w := bufio.NewWriter(f)
	asJSON := strings.HasSuffix(file, ".json") || strings.HasSuffix(file, ".jsonl")
	for after := int64(0); ; {
		ms, err := s.talker.History(s.ctx, room, after, pageSize)
		if err != nil {
			f.Close()
			return n, err
		}
		for _, m := range ms {
			if err := writeMessage(w, m, asJSON); err != nil {
				f.Close()
				return n, fmt.Errorf("save %s: %w", file, err)
			}
			n++
			after = m.Offset
		}
		if len(ms) < pageSize {
			break
		}
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return n, fmt.Errorf("save %s: %w", file, err)
	}
	if err := f.Close(); err != nil {
		return n, fmt.Errorf("save %s: %w", file, err)
	}
	return n, nil
}

func writeMessage(w *bufio.Writer, m tincan.Message, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	}
	text, _ := m.Text()
	if text == "" {
		text = string(m.Body)
	}
	_, err := fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", m.Time.Format(time.RFC3339), m.Offset, Clean(m.From), Clean(text))
	return err
}
