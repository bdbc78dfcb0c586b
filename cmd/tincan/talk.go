package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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
		if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) && isTerminal(c.out) && !c.json {
			o := tui.Options{Lang: c.lang, Listen: args[0]}
			if dial {
				o = tui.Options{Lang: c.lang, Dial: args[0]}
			}
			d.tie()
			return tui.Run(ctx, d, o)
		}
		return c.pipe(ctx, d, args[0], dial, *linger)
	}
	return cmd
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
