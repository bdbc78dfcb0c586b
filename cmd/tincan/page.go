package main

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
)

// pageCommand is the program without a command: it runs a node and opens its page.
func (c *cli) pageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tincan",
		Short:   c.t("talk over TCP: one side listens, the other dials"),
		Long:    c.t("rootLong"),
		Example: c.t("rootExample"),
		Args:    c.args(0, 0),
	}
	showVersion := cmd.Flags().Bool("version", false, c.t("print the version"))
	noBrowser := cmd.Flags().Bool("no-browser", false, c.t("print the page's address, do not open it"))
	cmd.Flags().StringVar(&c.pageAddr, "page", "", c.t("serve the page there, such as on 127.0.0.1:8080"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *showVersion {
			return c.version()
		}
		ctx := cmd.Context()
		d, err := c.open(ctx, long)
		if err != nil {
			return err
		}
		defer d.close()
		url := ""
		if d.node != nil {
			url = d.served.PageURL()
		} else {
			url = d.client.PageURL()
			c.say("a tincan already runs on this folder; its page is")
		}
		fmt.Fprintln(c.out, url)
		if !*noBrowser {
			if err := openBrowser(url); err != nil {
				c.say("no browser could be opened; open the address above")
			}
		}
		if d.node == nil {
			return nil
		}
		c.say("running; end with Ctrl-C")
		<-ctx.Done()
		return nil
	}
	return cmd
}

// openBrowser shows an address in the user's browser.
func openBrowser(url string) error {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.Command("open", url)
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		path, err := exec.LookPath("xdg-open")
		if err != nil {
			return errors.New("no xdg-open")
		}
		cmd = exec.Command(path, url)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait()
	return nil
}
