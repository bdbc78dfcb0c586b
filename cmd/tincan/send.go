package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tincan"
	"tincan/internal/api"
)

func (c *cli) sendCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "send ADDR TEXT",
		Short:             c.t("send one message; exit 0 only when it got there"),
		Long:              c.t("sendLong"),
		Example:           c.t("sendExample"),
		Args:              c.args(2, 2),
		ValidArgsFunction: c.completeAddress(true),
	}
	f := cmd.Flags()
	timeout := f.Duration("timeout", 10*time.Second, c.t("how long to wait for connection and receipt"))
	hex := f.Bool("hex", false, c.t("TEXT is bytes in hex"))
	id := f.String("id", "", c.t("sent again with the same id, it is accepted once"))
	f.BoolVar(&c.json, "json", false, c.t("print the events as JSON objects"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *timeout < 0 {
			return c.usage(cmd, c.t("%q is no value for the option --%s", timeout.String(), "timeout"))
		}
		in := input{id: *id, text: &args[1]}
		if args[1] == "-" {
			b, err := io.ReadAll(io.LimitReader(c.in, maxLine))
			if err != nil {
				return fmt.Errorf("read standard input: %w", err)
			}
			in = input{id: *id, body: b, piped: true}
		}
		if *hex {
			text := args[1]
			if in.piped {
				text = string(in.body)
			}
			b, err := api.ParseHex(text)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			in = input{id: *id, body: b}
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), *timeout)
		defer cancel()
		d, err := c.open(ctx, brief)
		if err != nil {
			return err
		}
		defer d.close()
		return c.sendOne(ctx, d, args[0], in)
	}
	return cmd
}

// sendOne dials, sends and waits until the peer's TCP has the message.
func (c *cli) sendOne(ctx context.Context, d *door, addr string, in input) error {
	pr := newPrinter(c)
	defer pr.flush()
	events := d.Events(ctx)
	was, err := d.Status(ctx)
	if err != nil {
		return err
	}
	r, err := d.Dial(ctx, addr)
	if err != nil {
		return connectError(err)
	}
	if !dialled(was, r.Name) {
		defer d.HangUp(context.WithoutCancel(ctx), r.Name)
	}
	if in.piped && strings.HasPrefix(r.Codec, "lines") { // the end of the line that it is
		in.body = bytes.TrimSuffix(bytes.TrimSuffix(in.body, newline), []byte("\r"))
	}
	body, err := in.bytes(r.Encoding)
	if err != nil {
		return err
	}
	var sent tincan.Message
	send := func() (done bool, err error) {
		sent, err = d.SendMessage(ctx, tincan.Outgoing{Room: r.Name, ID: in.id, Body: body})
		if err != nil || sent.Offset > r.Last || sent.Offset == 0 {
			return err != nil, err
		}
		return c.already(ctx, d, pr, sent) // it was sent in an earlier run
	}
	if len(r.Links) > 0 {
		if done, err := send(); done {
			return err
		}
	}
	for e, err := range events {
		if err != nil {
			break
		}
		if e.Room != r.Name {
			continue
		}
		if c.json && e.Kind != tincan.EventMessage {
			if err := pr.object(e); err != nil {
				return err
			}
			pr.flush()
		}
		switch {
		case e.Kind == tincan.EventConnected && sent.ID == "":
			if done, err := send(); done {
				return err
			}
		case e.Kind == tincan.EventDisconnected && sent.ID == "":
			status := exitConnect
			if e.Reason == "certificate" || e.Code >= 105 {
				status = exitRefused
			}
			return &exitError{status, &tincan.Error{Code: tincan.CodeUnreachable, Text: c.reason(e), Hint: c.hint(e)}}
		case e.Kind == tincan.EventMessage && e.ID == sent.ID && sent.ID != "" && e.Message.From == tincan.Me && r.Host != "": // it came back from its host
			return nil
		case e.Kind == tincan.EventReceipt && e.ID == sent.ID && sent.ID != "":
			switch {
			case e.State == tincan.Reached || e.State == tincan.Stored || e.State == tincan.Written && r.Codec != "tincan" && !knowsReached(ctx, d, r.Name):
				return nil
			case e.State == tincan.Uncertain || e.State == tincan.Discarded:
				return &exitError{exitNotDelivered, errors.New(c.t("the link ended before the peer's TCP confirmed the message; it may have arrived"))}
			}
		}
	}
	return c.tooLate(ctx, sent)
}

// tooLate says what did not come in time.
func (c *cli) tooLate(ctx context.Context, sent tincan.Message) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &exitError{exitFailed, errors.New(c.t("interrupted"))}
	case sent.ID == "":
		return &exitError{exitConnect, errors.New(c.t("no connection in time"))}
	case sent.Offset == 0:
		return &exitError{exitNotDelivered, errors.New(c.t("not stored in time; the message waits here and goes later"))}
	}
	return &exitError{exitNotDelivered, errors.New(c.t("not delivered in time; the message is in the journal"))}
}

// already says whether a message that was sent in an earlier run has its last receipt.
func (c *cli) already(ctx context.Context, d *door, pr *printer, m tincan.Message) (done bool, err error) {
	rs, err := d.Receipts(ctx, m.Room, m.Offset, m.Offset)
	if err != nil {
		return true, err
	}
	for _, r := range rs {
		if c.json {
			if err := pr.object(tincan.Event{Kind: tincan.EventReceipt, Room: m.Room, Peer: r.Peer, ID: m.ID, Offset: m.Offset, State: r.State}); err != nil {
				return true, err
			}
		}
		switch r.State {
		case tincan.Reached, tincan.Stored:
			return true, nil
		case tincan.Uncertain:
			return true, &exitError{exitNotDelivered, errors.New(c.t("this id was sent before and may have arrived; it is not sent again"))}
		}
	}
	return false, nil
}

// dialled says whether a node keeps a room connected.
func dialled(s tincan.Status, room string) bool {
	for _, r := range s.Rooms {
		if r.Name == room {
			return r.Dial != nil
		}
	}
	return false
}
