package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tincan"
	"tincan/codec"
)

// completionCommand prints a shell's completion script.
func (c *cli) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     c.t("print the completion script of a shell"),
		Long:      c.t("completionLong"),
		Example:   c.t("completionExample"),
		Args:      c.args(1, 1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				if err := root.GenBashCompletionV2(c.out, true); err != nil {
					return err
				}
				_, err := io.WriteString(c.out, bashEquals)
				return err
			case "zsh":
				return root.GenZshCompletion(c.out)
			case "fish":
				return root.GenFishCompletion(c.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.out)
			}
			return c.usage(cmd, c.t("there is no completion for %q; there is for %s", args[0], strings.Join(shells, ", ")))
		},
	}
}

// bashEquals goes behind cobra's script. Bash cuts words at = as well as at :, and replaces only what is behind the
// last cut; cobra takes away what is before the last colon, and quotes what is the only one left.
const bashEquals = `
__start_tincan_equals()
{
    __start_tincan "$@"
    local cur rest cut quoted i
    [[ $COMP_WORDBREAKS == *"="* ]] || return 0
    _get_comp_words_by_ref -n "=:" cur
    rest=$cur
    [[ $COMP_WORDBREAKS == *":"* ]] && rest=${cur##*:}
    cut=${rest%"${rest##*=}"}
    [[ -n $cut ]] || return 0
    printf -v quoted %q "$cut"
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=${COMPREPLY[i]#"$cut"}
        COMPREPLY[i]=${COMPREPLY[i]#"$quoted"}
    done
}
if [[ $(type -t compopt) = "builtin" ]]; then
    complete -o default -F __start_tincan_equals tincan
else
    complete -o default -o nospace -F __start_tincan_equals tincan
fi
`

// completeAddress offers codecs, then their options; to dial also the addresses that were dialled before.
func (c *cli) completeAddress(dial bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		if before, _, found := strings.Cut(word, "?"); found {
			return c.completeOptions(before, word, dial), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		var out []string
		if dial {
			for _, r := range c.knownRooms(cmd.Context()) {
				if r.Dialled {
					out = append(out, r.Name)
				}
			}
		}
		for _, name := range codec.Names() {
			out = append(out, name+"://\t"+c.t("codec "+name))
		}
		out = append(out, "tincan://\t"+c.t("between two tincans: keys, encrypted, stored there"))
		for _, name := range codec.Names() {
			if strings.HasPrefix(word, "tls") {
				out = append(out, "tls+"+name+"://\t"+c.t("codec "+name))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeOptions offers the options of an address that the word does not have yet.
func (c *cli) completeOptions(before, word string, dial bool) (out []string) {
	stem := word[:strings.LastIndexAny(word, "?&")+1]
	scheme, _, found := strings.Cut(before, "://")
	if !found {
		scheme = "lines"
	}
	if scheme == "tincan" {
		return offer(stem, nativeOptions[dial])
	}
	name, tls := strings.CutPrefix(scheme, "tls+")
	options := append([]string(nil), codecOptions[name]...)
	options = append(options, "max=")
	for _, e := range encodings {
		options = append(options, "encoding="+e)
	}
	if dial {
		options = append(options, "held=send")
	}
	if tls {
		options = append(options, "ca=", "cert=", "key=")
	}
	if tls && dial {
		options = append(options, "insecure")
	}
	return offer(stem, options)
}

// nativeOptions are those of tincan://, for dialling or not.
var nativeOptions = map[bool][]string{
	true:  {"key=", "secret=", "code=", "accept=new", "history=all", "history=new", "history="},
	false: {"admit=ticket", "admit=ask", "admit=open"},
}

// offer are the options that a stem does not have yet.
func offer(stem string, options []string) (out []string) {
	for _, o := range options {
		key, _, _ := strings.Cut(o, "=")
		if !hasOption(stem, key) {
			out = append(out, stem+o)
		}
	}
	return out
}

// completeRoom offers the rooms of the journal.
func (c *cli) completeRoom(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, r := range c.knownRooms(cmd.Context()) {
		out = append(out, r.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// knownRooms are the rooms of the journal, if it can be read at once. It makes no journal.
func (c *cli) knownRooms(ctx context.Context) []tincan.RoomStatus {
	if _, err := os.Stat(filepath.Join(c.data, "journal.db")); err != nil {
		return nil
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	d, err := c.open(ctx, brief)
	if err != nil {
		return nil
	}
	defer d.close()
	s, err := d.Status(ctx)
	if err != nil {
		return nil
	}
	return s.Rooms
}
