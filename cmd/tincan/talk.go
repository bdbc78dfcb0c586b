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
		Use:   "listen ADDR",
		Short: c.t("wait for others to connect, and talk with them"),
		Long:  c.t("listenLong"),
		Example: `  tincan listen 7000                      # this machine only; dotnet or lines, as the peer speaks
  tincan listen :7000                     # every interface
  tincan listen dotnet://:7000            # .NET BinaryWriter / BinaryReader
  tincan listen lines://:7000/lobby       # one room for everybody
  tail -F app.log | tincan listen --json lines://:7000`,
		Args:              c.args(1, 1),
		ValidArgsFunction: completeAddress,
	}
	return c.talkCommand(cmd, false)
}

func (c *cli) dialCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dial ADDR",
		Short: c.t("connect to somebody who listens, and talk"),
		Long:  c.t("dialLong"),
		Example: `  tincan dial 192.0.2.7:7000              # text lines
  tincan dial dotnet://server:7000        # .NET BinaryWriter / BinaryReader
  echo hello | tincan dial server:7000    # exit 0 only when the peer's TCP has it
  tincan dial 'lines://server:7000?encoding=gbk&eol=crlf'`,
		Args:              c.args(1, 1),
		ValidArgsFunction: completeAddress,
	}
	return c.talkCommand(cmd, true)
}

func (c *cli) talkCommand(cmd *cobra.Command, dial bool) *cobra.Command {
	linger := cmd.Flags().Duration("linger", 5*time.Second, c.t("how long to wait at the end for what is owed"))
	cmd.Flags().BoolVar(&c.json, "json", false, c.t("one JSON object per line on standard output; objects on standard input too"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		d, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer d.close()
		if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) && isTerminal(c.out) && !c.json {
			o := tui.Options{Lang: c.lang, Listen: args[0]}
			if dial {
				o = tui.Options{Lang: c.lang, Dial: args[0]}
			}
			d.own()
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
