package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tincan"
)

// withOptions adds options to an address that it does not have yet.
func withOptions(addr string, options ...string) string {
	for i := 0; i+1 < len(options); i += 2 {
		name, value := options[i], options[i+1]
		if value == "" || hasOption(addr, name) {
			continue
		}
		sep := "?"
		if strings.Contains(addr, "?") {
			sep = "&"
		}
		addr += sep + name + "=" + url.QueryEscape(value)
	}
	return addr
}

// brief runs do with the node of the folder, whoever has it.
func (c *cli) brief(do func(cmd *cobra.Command, d *door, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		d, err := c.open(cmd.Context(), brief)
		if err != nil {
			return err
		}
		defer d.close()
		return do(cmd, d, args)
	}
}

func (c *cli) ticketCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ticket [HOST:PORT]", Short: c.t("make a ticket that lets somebody in"), Long: c.t("ticketLong"), Example: c.t("ticketExample"), Args: c.args(0, 1)}
	f := cmd.Flags()
	var r tincan.TicketRequest
	f.StringVar(&r.Room, "room", "", c.t("the room that it opens"))
	f.IntVar(&r.Uses, "uses", 1, c.t("how many keys it lets in"))
	f.DurationVar(&r.Valid, "valid", 24*time.Hour, c.t("for how long"))
	qr := f.Bool("qr", false, c.t("draw it as a QR code, on standard error"))
	all := f.Bool("list", false, c.t("list the tickets that still let somebody in"))
	revoke := f.String("revoke", "", c.t("make a ticket worthless"))
	f.BoolVar(&c.json, "json", false, c.t("one JSON object per ticket"))
	cmd.RunE = c.brief(func(cmd *cobra.Command, d *door, args []string) error {
		switch {
		case *revoke != "":
			if err := d.Revoke(cmd.Context(), *revoke); err != nil {
				return err
			}
			c.say("the ticket %s lets nobody in any more", clean(*revoke))
			return nil
		case *all:
			return c.listTickets(cmd, d)
		}
		if len(args) > 0 {
			r.Addr = args[0]
		}
		t, err := d.MakeTicket(cmd.Context(), r)
		if err != nil {
			return err
		}
		if c.json {
			c.emit(t)
			return nil
		}
		fmt.Fprintln(c.out, t.URL)
		if *qr {
			fmt.Fprint(c.err, tincan.QR(t.URL))
		}
		c.say("whoever has this line can come in, until %s: give it to one person", t.Expires.Local().Format("2006-01-02 15:04"))
		if d.node != nil {
			c.say("nothing listens on %s now: start tincan listen", clean(c.data))
		}
		return nil
	})
	return cmd
}

func (c *cli) listTickets(cmd *cobra.Command, d *door) error {
	ts, err := d.Tickets(cmd.Context())
	if err != nil {
		return err
	}
	rows := [][]string{{c.t("TICKET"), c.t("ROOM"), c.t("USES"), c.t("EXPIRES")}}
	for _, t := range ts {
		if c.json {
			c.emit(t)
			continue
		}
		rows = append(rows, []string{t.ID, orDash(clean(t.Room)), strconv.Itoa(t.Uses), t.Expires.Local().Format("2006-01-02 15:04")})
	}
	if c.json {
		return nil
	}
	if len(ts) == 0 {
		c.say("no ticket lets anybody in")
		return nil
	}
	return table(c.out, rows)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (c *cli) codeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "code", Short: c.t("make a short code to say aloud, which pairs two nodes"), Long: c.t("codeLong"), Args: c.args(0, 0)}
	room := cmd.Flags().String("room", "", c.t("the room that it opens"))
	cmd.Flags().BoolVar(&c.json, "json", false, c.t("as a JSON object"))
	cmd.RunE = c.brief(func(cmd *cobra.Command, d *door, _ []string) error {
		if d.node != nil {
			return &tincan.Error{Code: tincan.CodeNotFound, Text: c.t("no tincan is running on %s", clean(c.data)), Hint: c.t("a code lives as long as the node: start tincan listen, then ask again")}
		}
		code, err := d.MakeCode(cmd.Context(), *room)
		if err != nil {
			return err
		}
		if c.json {
			c.emit(code)
			return nil
		}
		fmt.Fprintln(c.out, code.Code)
		c.say("for one use, within five minutes; the other side: tincan dial HOST:PORT --code %s", code.Code)
		return nil
	})
	return cmd
}

func (c *cli) peersCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "peers", Short: c.t("list the keys that this node knows"), Long: c.t("peersLong"), Args: c.args(0, 0)}
	cmd.Flags().BoolVar(&c.json, "json", false, c.t("one JSON object per peer"))
	cmd.RunE = c.brief(func(cmd *cobra.Command, d *door, _ []string) error {
		ps, err := d.Peers(cmd.Context())
		if err != nil {
			return err
		}
		rows := [][]string{{c.t("NAME"), c.t("STATE"), c.t("HOW"), c.t("LAST SEEN"), c.t("FINGERPRINT"), c.t("ID")}}
		for _, p := range ps {
			if c.json {
				c.emit(p)
				continue
			}
			rows = append(rows, []string{c.peerName(p), c.t(string(p.State)), c.t(p.Via), p.Last.Local().Format("2006-01-02 15:04"), tincan.Fingerprint(p.ID), p.ID})
		}
		if c.json {
			return nil
		}
		if len(ps) == 0 {
			c.say("no key is known yet in %s", clean(c.data))
			return nil
		}
		return table(c.out, rows)
	})
	return cmd
}

// peerName is the name that was given here, or what the peer calls itself, in quotes: anybody may call himself anything.
func (c *cli) peerName(p tincan.PeerStatus) string {
	switch {
	case p.Name != "":
		return clean(p.Name)
	case p.Called != "":
		return `"` + clean(p.Called) + `"`
	}
	return "-"
}

func (c *cli) trustCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "trust PEER", Short: c.t("let a key in from now on"), Long: c.t("trustLong"), Args: c.args(1, 1), ValidArgsFunction: c.completePeer}
	name := cmd.Flags().String("name", "", c.t("what to call it here"))
	cmd.RunE = c.brief(func(cmd *cobra.Command, d *door, args []string) error {
		state := tincan.Trusted
		ch := tincan.PeerChange{State: &state}
		if cmd.Flags().Changed("name") {
			ch.Name = name
		}
		p, err := d.SetPeer(cmd.Context(), args[0], ch)
		if err != nil {
			return err
		}
		c.say("%s (%s) may come in", c.peerName(p), tincan.Fingerprint(p.ID))
		return nil
	})
	return cmd
}

func (c *cli) blockCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "block PEER", Short: c.t("keep a key out, and close its links"), Args: c.args(1, 1), ValidArgsFunction: c.completePeer}
	cmd.RunE = c.brief(func(cmd *cobra.Command, d *door, args []string) error {
		state := tincan.Blocked
		p, err := d.SetPeer(cmd.Context(), args[0], tincan.PeerChange{State: &state})
		if err != nil {
			return err
		}
		c.say("%s (%s) is kept out; tincan trust lets it in again", c.peerName(p), tincan.Fingerprint(p.ID))
		return nil
	})
	return cmd
}

func (c *cli) forgetCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "forget PEER", Short: c.t("remove what is known of a key, and close its links"), Long: c.t("forgetLong"), Args: c.args(1, 1), ValidArgsFunction: c.completePeer}
	cmd.RunE = c.brief(func(cmd *cobra.Command, d *door, args []string) error {
		if err := d.Forget(cmd.Context(), args[0]); err != nil {
			return err
		}
		c.say("%s is forgotten; what was said stays", clean(args[0]))
		return nil
	})
	return cmd
}

func (c *cli) keepCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keep ROOM", Short: c.t("show or set how much of a room is kept"), Long: c.t("keepLong"), Example: c.t("keepExample"), Args: c.args(1, 1), ValidArgsFunction: c.completeRoom}
	f := cmd.Flags()
	var r tincan.Retention
	f.Int64Var(&r.Messages, "messages", 0, c.t("at most so many messages"))
	f.Int64Var(&r.Bytes, "bytes", 0, c.t("at most so many bytes"))
	f.DurationVar(&r.Age, "age", 0, c.t("nothing older than this"))
	all := f.Bool("all", false, c.t("everything"))
	f.BoolVar(&c.json, "json", false, c.t("as a JSON object"))
	cmd.RunE = c.brief(func(cmd *cobra.Command, d *door, args []string) error {
		if *all && r != (tincan.Retention{}) {
			return c.usage(cmd, c.t("these options do not go together"))
		}
		if *all || r != (tincan.Retention{}) {
			if err := d.SetRetention(cmd.Context(), args[0], r); err != nil {
				return err
			}
		}
		r, err := d.Retention(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if c.json {
			c.emit(r)
			return nil
		}
		_, err = fmt.Fprintln(c.out, c.retention(r))
		return err
	})
	return cmd
}

// retention says in words how much is kept.
func (c *cli) retention(r tincan.Retention) string {
	var parts []string
	if r.Messages > 0 {
		parts = append(parts, c.t("the newest %d messages", r.Messages))
	}
	if r.Bytes > 0 {
		parts = append(parts, c.t("at most %d bytes", r.Bytes))
	}
	if r.Age > 0 {
		parts = append(parts, c.t("nothing older than %s", r.Age.String()))
	}
	if len(parts) == 0 {
		return c.t("everything is kept")
	}
	return strings.Join(parts, ", ")
}

// completePeer offers names and ids.
func (c *cli) completePeer(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	d, err := c.open(cmd.Context(), brief)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer d.close()
	ps, _ := d.Peers(cmd.Context())
	var out []string
	for _, p := range ps {
		name := p.ID
		if p.Name != "" {
			name = p.Name
		}
		out = append(out, name+"\t"+string(p.State))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
