package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tincan"
)

func (c *cli) logCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log [ROOM]",
		Short: c.t("print what was said"),
		Long:  c.t("logLong"),
		Example: `  tincan log                              # the room used last
  tincan log -n 20 lines://server:7000
  tincan log --follow --json lobby
  tincan log --links                      # connections, and why they ended`,
		Args: c.args(0, 1),
	}
	f := cmd.Flags()
	number := f.IntP("number", "n", 100, c.t("how many messages, the newest; 0 is all"))
	follow := f.BoolP("follow", "f", false, c.t("go on with new messages as they come"))
	hex := f.Bool("hex", false, c.t("show bytes in hex"))
	links := f.Bool("links", false, c.t("list connections that ended instead, and why"))
	salvage := f.Bool("salvage", false, c.t("read what can still be read from a damaged journal"))
	f.BoolVar(&c.json, "json", false, c.t("one JSON object per message"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *salvage {
			return c.salvage()
		}
		d, err := c.open(cmd.Context())
		if err != nil {
			return err
		}
		defer d.close()
		room := ""
		if len(args) > 0 {
			room = args[0]
		}
		lp := &logPrinter{printer: newPrinter(c), hex: *hex}
		defer lp.flush()
		if *links {
			return lp.links(cmd, d, room, *number)
		}
		return lp.messages(cmd, d, room, *number, *follow)
	}
	return cmd
}

// logPrinter prints messages with who and when.
type logPrinter struct {
	*printer
	hex bool
}

const logPage = 1000

func (p *logPrinter) messages(cmd *cobra.Command, d *door, room string, number int, follow bool) error {
	ctx := cmd.Context()
	events := d.Events(ctx)
	if room == "" {
		s, err := d.Status(ctx)
		if err != nil {
			return err
		}
		if len(s.Rooms) == 0 {
			p.c.say("nothing was said yet in %s", p.c.data)
			return nil
		}
		room = s.Rooms[0].Name
		p.c.say("room %s", clean(room))
	}
	after := int64(0)
	if number > 0 {
		ms, err := d.History(ctx, room, 0, -number)
		if err != nil {
			return err
		}
		for i := range ms {
			if err := p.message(&ms[i]); err != nil {
				return err
			}
			after = ms[i].Offset
		}
	}
	if err := p.rest(cmd, d, room, &after, number <= 0); err != nil || !follow {
		return err
	}
	if err := p.flush(); err != nil {
		return err
	}
	for e, err := range p.idle(ctx, events) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Kind == tincan.EventMessage && e.Room == room && e.Offset > after {
			if err := p.message(e.Message); err != nil {
				return err
			}
		}
	}
	return nil
}

// rest prints everything after an offset, if all was asked for.
func (p *logPrinter) rest(cmd *cobra.Command, d *door, room string, after *int64, all bool) error {
	for all {
		ms, err := d.History(cmd.Context(), room, *after, logPage)
		if err != nil || len(ms) == 0 {
			return err
		}
		for i := range ms {
			if err := p.message(&ms[i]); err != nil {
				return err
			}
			*after = ms[i].Offset
		}
	}
	return nil
}

func (p *logPrinter) message(m *tincan.Message) error {
	if p.c.json {
		return p.object(*m)
	}
	body, ok := m.Text()
	if !ok || p.hex {
		body = fmt.Sprintf("% x", m.Body)
	} else {
		body = clean(body)
	}
	note := ""
	if m.Partial {
		note = " " + p.c.t("[the stream ended here]")
	}
	if m.Replaced {
		note += " " + p.c.t("[decoded again later]")
	}
	_, err := fmt.Fprintf(p.w, "%d  %s  %s  %s%s\n", m.Offset, m.Time.Local().Format("2006-01-02 15:04:05.000"), clean(m.From), body, note)
	return err
}

// links prints connections that ended, newest last.
func (p *logPrinter) links(cmd *cobra.Command, d *door, room string, number int) error {
	if number <= 0 {
		number = 1 << 20
	}
	ls, err := d.Links(cmd.Context(), room, number)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	for i := len(ls) - 1; i >= 0; i-- {
		l := ls[i]
		if p.c.json {
			if err := p.object(l); err != nil {
				return err
			}
			continue
		}
		why := l.Detail
		if p.c.lang == "zh" || why == "" {
			why = p.c.t(l.Reason)
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\n", l.ID, l.Since.Local().Format("2006-01-02 15:04:05"), clean(l.Remote), l.Codec,
			l.Ended.Sub(l.Since).Round(time.Millisecond), clean(why))
	}
	return tw.Flush()
}

// salvage prints what a damaged journal still holds.
func (c *cli) salvage() error {
	dir, err := filepath.Abs(c.data)
	if err != nil {
		return err
	}
	lp := &logPrinter{printer: newPrinter(c)}
	lost, err := tincan.Salvage(dir, func(m tincan.Message) error { return lp.message(&m) })
	if ferr := lp.flush(); err == nil {
		err = ferr
	}
	if err == nil && lost != "" {
		err = &exitError{exitFailed, errors.New(c.t("some could not be read: %s", lost))}
	}
	return err
}
