package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestReadmePicture is the scene of the README's picture: .NET dials in, netcat dials in, a server is dialled. With
// TINCAN_PICTURES=../docs it writes the picture, in each language.
func TestReadmePicture(t *testing.T) {
	scenes := map[tongue]struct{ file, ask, answer, netcat, server string }{
		english: {"page.png", "Which channel shall I open?", "Channel 2. 你好，传声筒！", "said with netcat", "220 ready"},
		chinese: {"page-zh.png", "打开哪个通道？", "2 号通道。你好，传声筒！", "用 netcat 说的", "220 就绪"},
	}
	inBoth(t, func(t *testing.T, lang tongue) {
		scene := scenes[lang]
		n := startNode(t, "")
		b := n.open(t, lang)
		b.resize(viewport{1360, 820})
		dotnet := startDotnet(t, "dial", "127.0.0.1", n.listen("dotnet"))
		dotnet.next("connected")
		nc := start(t, need(t, "nc"), "127.0.0.1", n.listen("auto"))
		nc.say(scene.netcat)
		server := startServer(t, "127.0.0.1:0")
		b.dials("127.0.0.1", server.port, "lines")
		server.accept().says(scene.server + "\n")
		b.talkTo("127.0.0.1:" + server.port)
		b.logs(scene.server)
		b.click("tab", lang.in("Listen"))

		for _, l := range n.status().Links {
			if l.Codec == "dotnet" {
				b.talkTo(l.Remote)
			}
		}
		dotnet.send(scene.ask)
		b.logs(scene.ask)
		b.sends(scene.answer)
		dotnet.hears(scene.answer)
		b.receipt(scene.answer, "reached")
		b.strip(lang.in("Done"))
		acked := b.figure("Acknowledged", "已确认")
		b.until(func() error {
			if acked() == 0 {
				return errors.New("nothing is acknowledged yet")
			}
			return nil
		})

		if dir := os.Getenv("TINCAN_PICTURES"); dir != "" {
			png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, scene.file), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}
