package main

import (
	"fmt"
	"io"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tincan"
)

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: c.t("print the version"),
		Args:  c.args(0, 0),
		RunE:  func(*cobra.Command, []string) error { return c.version() },
	}
}

func (c *cli) version() error {
	_, err := fmt.Fprintf(c.out, "tincan %s %s %s/%s\n", tincan.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func (c *cli) roomsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "rooms", Short: c.t("list the rooms of the journal"), Long: c.t("roomsLong"), Args: c.args(0, 0)}
	cmd.Flags().BoolVar(&c.json, "json", false, c.t("one JSON object per room"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d, err := c.open(cmd.Context(), brief)
		if err != nil {
			return err
		}
		defer d.close()
		s, err := d.Status(cmd.Context())
		if err != nil {
			return err
		}
		if c.json {
			for _, r := range s.Rooms {
				c.emit(r)
			}
			return nil
		}
		if len(s.Rooms) == 0 {
			c.say("nothing was said yet in %s", clean(c.data))
			return nil
		}
		rows := [][]string{{c.t("ROOM"), c.t("MESSAGES"), c.t("LAST USED"), c.t("STATE")}}
		for _, r := range s.Rooms {
			rows = append(rows, []string{clean(r.Name), strconv.FormatInt(r.Last, 10), r.Updated.Local().Format("2006-01-02 15:04:05"), c.roomState(r)})
		}
		return table(c.out, rows)
	}
	return cmd
}

// roomState says in a few words what a room is doing.
func (c *cli) roomState(r tincan.RoomStatus) string {
	var parts []string
	switch {
	case len(r.Links) > 0:
		parts = append(parts, c.t("%d connected", len(r.Links)))
	case r.Dial != nil:
		parts = append(parts, c.t(r.Dial.Phase))
	}
	if r.Held != nil {
		parts = append(parts, c.t("%d held", r.Held.Queued+r.Held.Uncertain))
	}
	if r.Pending != nil {
		parts = append(parts, c.t("%d wait since %s", r.Pending.Messages, r.Pending.Since.Local().Format("15:04:05")))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func (c *cli) statusCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: c.t("show what the running tincan is doing"), Long: c.t("statusLong"), Args: c.args(0, 0)}
	cmd.Flags().BoolVar(&c.json, "json", false, c.t("the whole status as one JSON object"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d, err := c.open(cmd.Context(), brief)
		if err != nil {
			return err
		}
		defer d.close()
		s, err := d.Status(cmd.Context())
		if err != nil {
			return err
		}
		if d.node != nil {
			s.PID = 0
		}
		if c.json {
			c.emit(s)
			return nil
		}
		return c.showStatus(c.out, s)
	}
	return cmd
}

func (c *cli) showStatus(w io.Writer, s tincan.Status) error {
	if s.PID == 0 {
		fmt.Fprintln(w, c.t("no tincan is running on %s; rooms in its journal: %d", s.Dir, len(s.Rooms)))
		return nil
	}
	fmt.Fprintln(w, c.t("tincan %s, pid %d, running for %s on %s", s.Version, s.PID, time.Since(s.Started).Round(time.Second), s.Dir))
	if s.Trouble != "" {
		fmt.Fprintln(w, c.t("trouble: %s", clean(s.Trouble)))
	}
	var rows [][]string
	for _, l := range s.Listeners {
		figures := c.t("%d connected", l.Links)
		if l.Refused > 0 {
			figures += " · " + c.t("%d refused", l.Refused)
		}
		if len(l.Reach) > 0 {
			figures += " · " + c.t("others dial %s", strings.Join(l.Reach, " "))
		}
		rows = append(rows, []string{c.t("listening"), clean(readable(l.URL)), figures})
	}
	for _, l := range s.Links {
		arrow := "← "
		if l.Dialled {
			arrow = "→ "
		}
		rows = append(rows, []string{c.t(string(l.Phase)), arrow + clean(l.Remote), l.Codec + " (" + c.t(l.Choice) + ") · " + c.figures(l)})
	}
	for _, r := range s.Rooms {
		if d := r.Dial; d != nil && d.Phase != "connected" {
			rows = append(rows, []string{c.t(d.Phase), "→ " + clean(r.Name), c.dialling(*d)})
		}
		if p := r.Pending; p != nil {
			rows = append(rows, []string{c.t("waiting"), clean(r.Name), c.t("messages that wait for %s: %d, the oldest for %s", c.t("host"), p.Messages, time.Since(p.Since).Round(time.Second).String())})
		}
		if r.Held != nil {
			rows = append(rows, []string{c.t("held"), clean(r.Name), c.t("%d not sent, %d may have arrived", r.Held.Queued, r.Held.Uncertain)})
		}
	}
	if len(rows) == 0 {
		fmt.Fprintln(w, c.t("nothing is listened on and nobody is connected"))
	}
	return table(w, rows)
}

// readable writes an address as a person would: the room in its own letters.
func readable(addr string) string {
	if s, err := url.PathUnescape(addr); err == nil {
		return s
	}
	return addr
}

// dialling says what a dialler that is not connected is doing.
func (c *cli) dialling(d tincan.DialStatus) string {
	parts := []string{c.t("attempt %d", d.Attempt)}
	if wait := time.Until(d.Retry); !d.Retry.IsZero() && wait > 0 {
		parts = append(parts, c.t("next in %s", wait.Round(100*time.Millisecond)))
	}
	if d.Error != "" {
		parts = append(parts, c.reason(tincan.Event{Reason: d.Reason, Detail: d.Error}))
	}
	return strings.Join(parts, " · ")
}

// figures is what is known of a link in one line. What the system does not offer is left out.
func (c *cli) figures(l tincan.LinkStatus) string {
	parts := []string{
		c.t("messages in %d, out %d", l.MessagesIn, l.MessagesOut),
		c.t("bytes in %d, out %d", l.BytesIn, l.BytesOut),
	}
	if l.Paused {
		parts = append(parts, c.t("reading is paused"))
	}
	if v := l.TCP.RTTUS; v != nil {
		parts = append(parts, "RTT "+(time.Duration(*v)*time.Microsecond).String())
	}
	if v := l.TCP.SendQueue; v != nil && *v > 0 {
		parts = append(parts, c.t("send queue %d", *v))
	}
	if v := l.TCP.RecvQueue; v != nil && *v > 0 {
		parts = append(parts, c.t("receive queue %d", *v))
	}
	if v := l.TCP.Retransmits; v != nil && *v > 0 {
		parts = append(parts, c.t("%d retransmissions", *v))
	}
	if l.Have > 0 && l.Want > 0 {
		parts = append(parts, c.t("%d of %d bytes", l.Have, l.Want))
	}
	if l.SilenceMS >= 1000 {
		parts = append(parts, c.t("silent for %s", (time.Duration(l.SilenceMS)*time.Millisecond).Round(time.Second)))
	}
	return strings.Join(parts, " · ")
}
