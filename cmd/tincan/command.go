package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tincan"
	"tincan/internal/api"
)

// root is the whole command line.
func (c *cli) root() *cobra.Command {
	cobra.EnableCommandSorting = false
	root := c.pageCommand()
	root.AddCommand(c.listenCommand(), c.dialCommand(), c.sendCommand(), c.logCommand(), c.roomsCommand(), c.statusCommand(),
		c.ticketCommand(), c.codeCommand(), c.peersCommand(), c.trustCommand(), c.blockCommand(), c.forgetCommand(), c.keepCommand(),
		c.completionCommand(), c.versionCommand())
	root.SetHelpCommand(c.helpCommand())
	root.InitDefaultHelpCmd()
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.DisableDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&c.data, "data", defaultData(), c.t("folder of the journal (or TINCAN_DATA)"))
	f.String("lang", "", c.t("en or zh (default: as the environment says)"))
	f.BoolP("help", "h", false, c.t("show help"))
	root.MarkPersistentFlagDirname("data")
	root.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"en\tEnglish", "zh\t中文"}, cobra.ShellCompDirectiveNoFileComp))
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { c.help(cmd) })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return c.flagError(cmd, err) })
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if v, _ := cmd.Flags().GetString("lang"); v != "" && v != "en" && !strings.HasPrefix(v, "zh") {
			return c.usage(cmd, c.t("there is no language %q; it is en or zh", v))
		}
		return nil
	}
	return root
}

// usage makes an error of the command line's own, with the way to help.
func (c *cli) usage(cmd *cobra.Command, text string) error {
	return &exitError{exitUsage, &tincan.Error{Code: tincan.CodeUsage, Text: text, Hint: cmd.CommandPath() + " --help"}}
}

// flagError puts an error of the flag parser into the user's language.
func (c *cli) flagError(cmd *cobra.Command, err error) error {
	var none *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var bad *pflag.InvalidValueError
	switch {
	case errors.As(err, &none):
		name := "--" + none.GetSpecifiedName()
		if none.GetSpecifiedShortnames() != "" {
			name = "-" + none.GetSpecifiedName()
		}
		return c.usage(cmd, c.t("there is no option %s", name))
	case errors.As(err, &empty):
		return c.usage(cmd, c.t("the option --%s needs a value", empty.GetFlag().Name))
	case errors.As(err, &bad):
		return c.usage(cmd, c.t("%q is no value for the option --%s", bad.GetValue(), bad.GetFlag().Name)+c.example(bad.GetFlag()))
	}
	return c.usage(cmd, err.Error())
}

// example says how the value of an option is written.
func (c *cli) example(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		return c.t("; write a time such as 5s, 500ms or 2m")
	case "int":
		return c.t("; write a number")
	}
	return ""
}

// args checks the number of arguments.
func (c *cli) args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return c.usage(cmd, c.t("an argument is missing: %s", c.useLine(cmd)))
		case len(args) > most && cmd.HasParent():
			return c.usage(cmd, c.t("too many arguments: %s", c.useLine(cmd))+c.joined(cmd, args))
		case len(args) > most:
			return c.usage(cmd, c.t("there is no command %q", args[0])+c.meant(cmd, args[0]))
		}
		return nil
	}
}

// joined says what a person may have meant who writes host and port apart, as for netcat.
func (c *cli) joined(cmd *cobra.Command, args []string) string {
	if name := cmd.Name(); name != "listen" && name != "dial" || len(args) != 2 {
		return ""
	}
	if _, err := strconv.ParseUint(args[1], 10, 16); err != nil {
		return ""
	}
	if _, err := strconv.Atoi(args[0]); err == nil {
		return "" // two ports
	}
	return c.t("; did you mean %s?", cmd.CommandPath()+" "+net.JoinHostPort(strings.Trim(args[0], "[]"), args[1]))
}

// meant says what a person may have meant with a command that there is not.
func (c *cli) meant(cmd *cobra.Command, arg string) string {
	if s := cmd.SuggestionsFor(arg); len(s) > 0 {
		return c.t("; did you mean %s?", strings.Join(s, ", "))
	}
	if strings.ContainsAny(arg, ":0123456789") {
		return c.t("; did you mean %s?", fmt.Sprintf("tincan listen %[1]s, tincan dial %[1]s", arg))
	}
	return ""
}

// defaultData is the folder of the journal when --data does not say: TINCAN_DATA, or the system's folder for
// a user's data.
func defaultData() string {
	if d := os.Getenv("TINCAN_DATA"); d != "" {
		return d
	}
	return filepath.Join(xdg.DataHome, "tincan")
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
	text, hint, _ := api.ExplainIn(c.lang, err)
	if errors.Is(err, context.Canceled) {
		text = c.t("interrupted")
	}
	words := "tincan: " + clean(text) + "\n"
	if hint != "" {
		words += "  → " + clean(hint) + "\n"
	}
	fmt.Fprint(c.err, words)
	if c.json {
		c.emit(tincan.Event{Kind: tincan.EventError, Error: text, Hint: hint})
	}
}
