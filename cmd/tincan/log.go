package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tincan"
)

func (c *cli) logCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "log [ROOM]",
		Short:             c.t("print what was said"),
		Long:              c.t("logLong"),
		Example:           c.t("logExample"),
		Args:              c.args(0, 1),
		ValidArgsFunction: c.completeRoom,
	}
	f := cmd.Flags()
	number := f.IntP("number", "n", 100, c.t("how many messages, the newest; 0 is all"))
	since := f.String("since", "", c.t("only what was said since: 10m, 15:04, 2006-01-31"))
	follow := f.BoolP("follow", "f", false, c.t("go on with what comes; without ROOM, in every room"))
	hex := f.Bool("hex", false, c.t("show bytes in hex"))
	links := f.Bool("links", false, c.t("list connections that ended instead, and why"))
	events := f.Bool("events", false, c.t("list what happened instead, step by step"))
	salvage := f.Bool("salvage", false, c.t("read what can still be read from a damaged journal"))
	f.BoolVar(&c.json, "json", false, c.t("one JSON object per message"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		lp := &logPrinter{printer: newPrinter(c), hex: *hex, number: *number, shown: map[string]int64{}}
		defer lp.flush()
		switch {
		case *number < 0:
			return c.usage(cmd, c.t("%q is no value for the option --%s", fmt.Sprint(*number), "number"))
		case (*links || *events) && *follow, *links && *events, *salvage && (*follow || *links || *events || *since != ""):
			return c.usage(cmd, c.t("these options do not go together"))
		case *salvage:
			return lp.salvage()
		}
		if *since != "" {
			var err error
			if lp.since, err = parseSince(*since, time.Now()); err != nil {
				return c.usage(cmd, c.t("%q is no value for the option --%s", *since, "since")+c.t("; write 10m, 2h, 15:04, 2006-01-02 or 2006-01-02T15:04:05Z"))
			}
			if !cmd.Flags().Changed("number") {
				lp.number = 0
			}
		}
		room := ""
		if len(args) > 0 {
			room = args[0]
		}
		ctx := cmd.Context()
		d, err := c.open(ctx, brief)
		if err != nil {
			return err
		}
		defer func() { d.close() }()
		switch {
		case *links:
			return lp.links(ctx, d, room)
		case *events:
			return lp.events(ctx, d, room)
		case *follow:
			return lp.follow(ctx, &d, room)
		}
		return lp.messages(ctx, d, room)
	}
	return cmd
}

// parseSince reads an instant: so long ago, a time of today, a day, or an exact time.
func parseSince(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Parse(time.RFC3339, s)
}

// logPrinter prints messages with who and when.
type logPrinter struct {
	*printer
	hex    bool
	number int       // how many, the newest; 0 is all
	since  time.Time // zero: from the start
	shown  map[string]int64
	last   string // the room whose messages are being printed
}

const logPage = 1000

// messages prints what a room's log holds; "" is the room used last.
func (p *logPrinter) messages(ctx context.Context, d *door, room string) error {
	if room == "" {
		s, err := d.Status(ctx)
		if err != nil {
			return err
		}
		if len(s.Rooms) == 0 {
			p.c.say("nothing was said yet in %s", clean(p.c.data))
			return nil
		}
		room = s.Rooms[0].Name
		p.header(room)
	}
	after, err := p.from(ctx, d, room)
	if err != nil {
		return err
	}
	if err := p.rest(ctx, d, room, after); err != nil {
		return err
	}
	return p.waiting(ctx, d, room)
}

// waiting prints what has no number yet, as the room's host has not told one.
func (p *logPrinter) waiting(ctx context.Context, d *door, room string) error {
	ms, err := d.Pending(ctx, room, p.most())
	for i := range ms {
		if ms[i].Time.Before(p.since) {
			continue
		}
		if err := p.message(&ms[i]); err != nil {
			return err
		}
	}
	return err
}

// from is the offset behind which printing starts. It looks at the newest messages first.
func (p *logPrinter) from(ctx context.Context, d *door, room string) (after int64, err error) {
	left := p.number
	for before := int64(0); ; {
		limit := logPage
		if p.number > 0 {
			limit = min(left, logPage)
		} else if p.since.IsZero() {
			return 0, nil
		}
		ms, err := d.History(ctx, room, before, -limit)
		if err != nil || len(ms) == 0 {
			return 0, err
		}
		if i := slices.IndexFunc(ms, func(m tincan.Message) bool { return !m.Time.Before(p.since) }); i != 0 {
			if i < 0 {
				return ms[len(ms)-1].Offset, nil
			}
			return ms[i].Offset - 1, nil
		}
		before, left = ms[0].Offset, left-len(ms)
		if before <= 1 || p.number > 0 && left <= 0 {
			return before - 1, nil
		}
	}
}

// rest prints everything after an offset.
func (p *logPrinter) rest(ctx context.Context, d *door, room string, after int64) error {
	p.shown[room] = after
	for {
		ms, err := d.History(ctx, room, after, logPage)
		if err != nil || len(ms) == 0 {
			return err
		}
		for i := range ms {
			if err := p.message(&ms[i]); err != nil {
				return err
			}
			after = ms[i].Offset
			p.shown[room] = after
		}
	}
}

// header says which room's messages follow.
func (p *logPrinter) header(room string) {
	if p.last != room && !p.c.json {
		p.flush()
		p.c.say("room %s", clean(room))
	}
	p.last = room
}

func (p *logPrinter) message(m *tincan.Message) error {
	if p.c.json {
		return p.object(*m)
	}
	body, ok := m.Text()
	switch {
	case p.hex, !ok:
		body = fmt.Sprintf("% x", m.Body)
	default:
		body = clean(body)
	}
	number, note := strconv.FormatInt(m.Offset, 10), ""
	if m.Offset == 0 {
		number, note = "-", " "+p.c.t("[waits for the host]")
	}
	if m.Partial {
		note += " " + p.c.t("[the stream ended here]")
	}
	if m.Replaced {
		note += " " + p.c.t("[decoded again later]")
	}
	return p.put(fmt.Appendf(nil, "%s  %s  %s  %s%s\n", number, m.Time.Local().Format("2006-01-02 15:04:05.000"), clean(m.From), body, note))
}

// most is how many of a list to ask for.
func (p *logPrinter) most() int {
	if p.number == 0 {
		return 1 << 20
	}
	return p.number
}

// events prints what happened, newest last.
func (p *logPrinter) events(ctx context.Context, d *door, room string) error {
	es, err := d.Past(ctx, room, p.most())
	if err != nil {
		return err
	}
	for _, e := range es {
		switch text, _ := p.c.words(e); {
		case e.Time.Before(p.since):
		case p.c.json:
			err = p.object(e)
		case text != "":
			err = p.put([]byte(e.Time.Local().Format("2006-01-02 15:04:05.000") + "  " + text + "\n"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// links prints connections that ended, newest last.
func (p *logPrinter) links(ctx context.Context, d *door, room string) error {
	ls, err := d.Links(ctx, room, p.most())
	if err != nil {
		return err
	}
	ls = slices.DeleteFunc(ls, func(l tincan.LinkStatus) bool { return l.Ended.Before(p.since) })
	slices.Reverse(ls)
	if p.c.json {
		for _, l := range ls {
			if err := p.object(l); err != nil {
				return err
			}
		}
		return nil
	}
	if len(ls) == 0 {
		p.c.say("no connection has ended yet")
		return nil
	}
	rows := [][]string{{p.c.t("LINK"), p.c.t("BEGAN"), p.c.t("REMOTE"), p.c.t("CODEC"), p.c.t("END")}}
	for _, l := range ls {
		remote := clean(l.Remote)
		if l.Dialled {
			remote = "→ " + remote
		} else {
			remote = "← " + remote
		}
		rows = append(rows, []string{fmt.Sprint(l.ID), l.Since.Local().Format("2006-01-02 15:04:05"), remote, l.Codec, p.c.end(l)})
	}
	return table(p.w, rows)
}

// end says in a sentence why a link ended and what went over it.
func (c *cli) end(l tincan.LinkStatus) string {
	if c.lang != "zh" && l.Detail != "" {
		return clean(l.Detail)
	}
	return c.t("%s after %s; %d messages and %d bytes in, %d messages and %d bytes out", c.t(l.Reason),
		l.Ended.Sub(l.Since).Round(time.Millisecond), l.MessagesIn, l.BytesIn, l.MessagesOut, l.BytesOut)
}

// salvage prints what a damaged journal still holds.
func (p *logPrinter) salvage() error {
	dir, err := filepath.Abs(p.c.data)
	if err != nil {
		return err
	}
	lost, err := tincan.Salvage(dir, func(m tincan.Message) error { return p.message(&m) })
	if ferr := p.flush(); err == nil {
		err = ferr
	}
	if err == nil && lost != "" {
		err = &exitError{exitFailed, errors.New(p.c.t("some could not be read: %s", lost))}
	}
	return err
}
