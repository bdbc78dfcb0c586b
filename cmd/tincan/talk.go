package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tincan"
	"tincan/internal/api"
	"tincan/internal/tui"
)

func (c *cli) listenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "listen ADDR",
		Short:             c.t("wait for others to connect, and talk with them"),
		Long:              c.t("listenLong"),
		Example:           c.t("listenExample"),
		Args:              c.args(1, 1),
		ValidArgsFunction: c.completeAddress(false),
	}
	return c.talkCommand(cmd, false)
}

func (c *cli) dialCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "dial ADDR",
		Short:             c.t("connect to somebody who listens, and talk"),
		Long:              c.t("dialLong"),
		Example:           c.t("dialExample"),
		Args:              c.args(1, 1),
		ValidArgsFunction: c.completeAddress(true),
	}
	return c.talkCommand(cmd, true)
}

func (c *cli) talkCommand(cmd *cobra.Command, dial bool) *cobra.Command {
	linger := cmd.Flags().Duration("linger", 5*time.Second, c.t("how long to wait at the end for what is owed"))
	cmd.Flags().BoolVar(&c.json, "json", false, c.t("JSON: one object a line, on standard output and input"))
	address := c.talkOptions(cmd, dial)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		args[0] = address(args[0])
		if *linger < 0 {
			return c.usage(cmd, c.t("%q is no value for the option --%s", linger.String(), "linger"))
		}
		ctx := cmd.Context()
		d, err := c.open(ctx, long)
		if err != nil {
			return err
		}
		defer d.close()
		if !c.json && isTerminal(c.in) && isTerminal(c.out) && os.Getenv("TERM") != "dumb" {
			return c.screen(ctx, d, args[0], dial)
		}
		return c.pipe(ctx, d, args[0], dial, *linger)
	}
	return cmd
}

// talkOptions are those options of an address that have flags of their own; address writes them into one.
func (c *cli) talkOptions(cmd *cobra.Command, dial bool) (address func(string) string) {
	f := cmd.Flags()
	if !dial {
		admit := f.String("admit", "", c.t("whom to let in by key: ticket, ask or open"))
		cmd.RegisterFlagCompletionFunc("admit", cobra.FixedCompletions([]string{"ticket", "ask", "open"}, cobra.ShellCompDirectiveNoFileComp))
		return func(addr string) string { return withOptions(addr, "admit", *admit) }
	}
	accept := f.Bool("accept-new", false, c.t("take whatever key the host shows, the first time"))
	history := f.String("history", "", c.t("what to read of a room at first: all, new or a number"))
	code := f.String("code", "", c.t("pair with a code that the host was given"))
	return func(addr string) string {
		fresh := ""
		if *accept {
			fresh = "new"
		}
		if (*accept || *history != "" || *code != "") && !strings.Contains(addr, "://") { // only one codec has these
			addr = "tincan://" + addr
		}
		return withOptions(addr, "accept", fresh, "history", *history, "code", *code)
	}
}

// screen is a conversation on the terminal.
func (c *cli) screen(ctx context.Context, d *door, addr string, dial bool) error {
	o := tui.Options{Lang: c.lang, Listen: addr}
	if dial {
		o = tui.Options{Lang: c.lang, Dial: addr}
	}
	d.tie()
	err := tui.Run(ctx, d, o)
	if err == nil {
		return nil
	}
	if _, _, code := api.ExplainIn(c.lang, err); code == tincan.CodeInUse || code == tincan.CodeUnreachable {
		return &exitError{exitConnect, err}
	}
	return err
}

// isTerminal says whether a reader or writer is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
