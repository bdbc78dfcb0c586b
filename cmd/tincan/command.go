package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tincan"
	"tincan/codec"
)

// root is the whole command line.
func (c *cli) root() *cobra.Command {
	root := c.pageCommand()
	root.AddCommand(c.listenCommand(), c.dialCommand(), c.sendCommand(), c.logCommand(), c.roomsCommand(), c.statusCommand(), c.versionCommand())
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SuggestionsMinimumDistance = 2
	root.PersistentFlags().StringVar(&c.data, "data", defaultData(), c.t("folder of the journal (or TINCAN_DATA)"))
	root.PersistentFlags().String("lang", "", c.t("language: en or zh (default: the environment's)"))
	root.PersistentFlags().BoolP("help", "h", false, c.t("show help"))
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { c.help(cmd, c.out) })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return c.usage(cmd, err) })
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Short = c.t("show help for a command")
		case "completion":
			cmd.Short = c.t("print the completion script for bash, zsh, fish or powershell")
		}
	}
	return root
}

// usage makes an error of the command line's own, with the way to help.
func (c *cli) usage(cmd *cobra.Command, err error) error {
	return &exitError{exitUsage, &tincan.Error{Code: tincan.CodeUsage, Text: err.Error(), Hint: cmd.CommandPath() + " --help"}}
}

// args checks the number of arguments.
func (c *cli) args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return c.usage(cmd, errors.New(c.t("an argument is missing: %s", cmd.UseLine())))
		case len(args) > most:
			if cmd.HasParent() {
				return c.usage(cmd, errors.New(c.t("too many arguments: %s", cmd.UseLine())))
			}
			text := c.t("there is no command %q", args[0])
			if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
				text += c.t("; did you mean %s?", strings.Join(s, ", "))
			}
			return c.usage(cmd, errors.New(text))
		}
		return nil
	}
}

// help prints a command's help in the user's language.
func (c *cli) help(cmd *cobra.Command, w io.Writer) {
	if cmd.Long != "" {
		fmt.Fprintln(w, cmd.Long)
	} else {
		fmt.Fprintln(w, cmd.Short)
	}
	fmt.Fprintf(w, "\n%s\n  %s\n", c.t("Usage:"), cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s\n", c.t("Commands:"))
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(tw, "  %s\t%s\n", sub.Name(), sub.Short)
			}
		}
		tw.Flush()
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\n%s\n%s\n", c.t("Examples:"), cmd.Example)
	}
	fmt.Fprintf(w, "\n%s\n", c.t("Flags:"))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	show := func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if t := f.Value.Type(); t != "bool" {
			name += " " + strings.ToUpper(t)
		}
		text := f.Usage
		if d := f.DefValue; d != "" && d != "false" && d != "0" && f.Name != "data" {
			text += " (" + d + ")"
		}
		fmt.Fprintf(tw, "  %s\t%s\n", name, text)
	}
	cmd.LocalFlags().VisitAll(show)
	cmd.InheritedFlags().VisitAll(show)
	tw.Flush()
}

// defaultData is the folder of the journal when --data does not say: TINCAN_DATA, or the system's folder for
// a user's data.
func defaultData() string {
	if d := os.Getenv("TINCAN_DATA"); d != "" {
		return d
	}
	return filepath.Join(xdg.DataHome, "tincan")
}

// completeAddress offers the schemes.
func completeAddress(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, name := range codec.Names() {
		out = append(out, name+"://")
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// say tells the person at the terminal something, on standard error.
func (c *cli) say(format string, args ...any) {
	fmt.Fprintln(c.err, "tincan: "+c.t(format, args...))
}

// fail says what went wrong and what to do about it. With --json it is an event on standard output as well.
func (c *cli) fail(err error) {
	if err.Error() == "" {
		return
	}
	text, hint, _ := tincan.ExplainIn(c.lang, err)
	fmt.Fprintln(c.err, "tincan: "+clean(text))
	if hint != "" {
		fmt.Fprintln(c.err, "  → "+clean(hint))
	}
	if c.json {
		c.emit(tincan.Event{Kind: tincan.EventError, Error: text, Hint: hint})
	}
}
