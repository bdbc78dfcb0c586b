package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tincan/codec"
)

// helpCommand is `tincan help`, for commands and for what is not one.
func (c *cli) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND|addresses]",
		Short: c.t("show help for a command, or how addresses are written"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			out := []string{"addresses\t" + c.t("how addresses are written")}
			for _, sub := range cmd.Root().Commands() {
				if sub.IsAvailableCommand() {
					out = append(out, sub.Name()+"\t"+sub.Short)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && strings.HasPrefix("addresses", args[0]) && len(args[0]) >= len("addr") {
				return c.helpAddresses(c.out)
			}
			of, rest, err := cmd.Root().Find(args)
			if err != nil || of == cmd.Root() && len(rest) > 0 {
				return c.usage(cmd.Root(), c.t("there is no help for %q", strings.Join(args, " "))+c.meant(cmd.Root(), args[0]))
			}
			c.help(of)
			return nil
		},
	}
}

// useLine is how a command is called.
func (c *cli) useLine(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return "tincan " + c.t("[OPTIONS]")
	}
	return cmd.Parent().CommandPath() + " " + cmd.Use + " " + c.t("[OPTIONS]")
}

// help prints a command's help in the user's language.
func (c *cli) help(cmd *cobra.Command) {
	w := c.out
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(w, "%s\n\n%s\n  %s\n", text, c.t("Usage:"), c.useLine(cmd))
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  tincan %s\n\n%s\n", c.t("COMMAND …"), c.t("Commands:"))
		var rows [][]string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				rows = append(rows, []string{"  " + sub.Name(), sub.Short})
			}
		}
		table(w, rows)
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\n%s\n%s\n", c.t("Examples:"), cmd.Example)
	}
	fmt.Fprintf(w, "\n%s\n", c.t("Options:"))
	var rows [][]string
	show := func(f *pflag.Flag) {
		if !f.Hidden {
			rows = append(rows, c.flagRow(f))
		}
	}
	cmd.NonInheritedFlags().VisitAll(show)
	cmd.InheritedFlags().VisitAll(show)
	table(w, rows)
}

// values names what an option's value is.
var values = map[string]string{"data": "FOLDER", "lang": "LANG", "page": "ADDR", "id": "ID", "number": "N", "since": "TIME",
	"linger": "TIME", "timeout": "TIME", "admit": "WHOM", "history": "WHAT", "code": "CODE", "room": "ROOM", "uses": "N", "valid": "TIME",
	"revoke": "TICKET", "name": "NAME", "messages": "N", "bytes": "N", "age": "TIME"}

func (c *cli) flagRow(f *pflag.Flag) []string {
	name := "      --" + f.Name
	if f.Shorthand != "" {
		name = "  -" + f.Shorthand + ", --" + f.Name
	}
	if v := values[f.Name]; v != "" {
		name += " " + v
	}
	text := f.Usage
	if d := f.DefValue; d != "" && d != "false" && d != "0" && f.Name != "data" {
		text += c.t(" (default %s)", d)
	}
	return []string{name, text}
}

// codecOptions are the options of each codec, as they are written, beside those that all have. What ends in = needs a
// value that nobody can offer.
var codecOptions = map[string][]string{
	"lines":  {"eol=lf", "eol=crlf", "eol=cr"},
	"delim":  {"end=", "start=", "preset=mllp", "preset=stx"},
	"len8":   {"includes=self"},
	"len16":  {"order=be", "order=le", "includes=self"},
	"len32":  {"order=be", "order=le", "includes=self"},
	"len64":  {"order=be", "order=le", "includes=self"},
	"fixed":  {"n="},
	"idle":   {"ms="},
	"dotnet": nil, "raw": nil, "varint": nil, "json": nil, "cobs": nil, "slip": nil,
}

// encodings are the values of the option encoding.
var encodings = []string{"utf-8", "gbk", "gb18030", "big5", "shift-jis", "utf-16le", "utf-16be", "latin-1"}

// helpAddresses prints how addresses are written.
func (c *cli) helpAddresses(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", c.t("addressLong"))
	table(w, [][]string{
		{"  7000", c.t("port 7000 of this machine")},
		{"  :7000", c.t("listen: of every interface; dial: of this machine")},
		{"  server:7000", c.t("a name, an IP address, or [2001:db8::7]:7000")},
		{"  dotnet://:7000", c.t("with a codec: how messages become bytes")},
		{"  lines://:7000/lobby", c.t("listen: everybody who connects sits in one room")},
		{"  tls+lines://server:7000", c.t("any codec inside TLS")},
		{"  tincan://server:7000/ops", c.t("between two tincans: keys, encrypted, stored there")},
		{"  127.0.0.1:0", c.t("listen: any free port; the real one is shown")},
	})
	fmt.Fprintf(w, "\n%s\n", c.t("Codecs:"))
	var rows [][]string
	for _, name := range codec.Names() {
		rows = append(rows, []string{"  " + name, c.t("codec " + name), short(codecOptions[name])})
	}
	table(w, rows)
	fmt.Fprintf(w, "\n%s\n", c.t("Options of addresses:"))
	return table(w, [][]string{
		{"  max=1MiB", c.t("the largest message, at most 16 MiB")},
		{"  encoding=gbk", c.t("how text is written: %s", strings.Join(encodings[:3], ", "))},
		{"", "  " + strings.Join(encodings[3:], ", ")},
		{"  held=send", c.t("dial: what waited for the peer goes out when it is back")},
		{"  ca=FILE", c.t("tls+: whom to trust (PEM)")},
		{"  cert=FILE key=FILE", c.t("tls+: who we are (PEM)")},
		{"  insecure", c.t("tls+: do not check the server")},
		{"  admit=ticket|ask|open", c.t("listen, tincan: whom to let in by key")},
		{"  key=ID secret=…", c.t("dial, tincan: what a ticket says; dial it as it is")},
		{"  code=… accept=new", c.t("dial, tincan: a pairing code; or any key at first")},
		{"  history=all|new|N", c.t("dial, tincan: what to read of a room at first")},
		{"", ""},
		{c.t("In a shell, quote an address with ? or &: 'lines://server:7000?eol=crlf'")},
	})
}

// short writes options that differ in their value as one: order=be|le.
func short(options []string) string {
	var out []string
	last := ""
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch {
		case name == last:
			out[len(out)-1] += "|" + value
		case value == "":
			out = append(out, o+"…")
		default:
			out = append(out, o)
		}
		last = name
	}
	return strings.Join(out, " ")
}
