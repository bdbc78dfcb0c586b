package main

import (
	"context"
	"os"
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
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
