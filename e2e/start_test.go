package e2e

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkStartToListening tells how long `tincan listen --json` takes from its start as a process until it says
// that it listens: on a new folder, whose journal it has to make, and on one that it knows.
func BenchmarkStartToListening(b *testing.B) {
	for _, fresh := range []bool{true, false} {
		name := "known folder"
		if fresh {
			name = "new folder"
		}
		b.Run(name, func(b *testing.B) {
			var took time.Duration
			dir := b.TempDir()
			for b.Loop() {
				if fresh {
					dir = filepath.Join(b.TempDir(), "journal")
				}
				took += startToListening(b, dir)
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N)/1000, "ms-to-listening")
		})
	}
}

func startToListening(b *testing.B, dir string) time.Duration {
	b.Helper()
	cmd := exec.Command(binary, "listen", "--json", "lines://127.0.0.1:0", "--data", dir)
	cmd.Env = environment()
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	took := time.Since(began)
	if err != nil || !strings.Contains(line, `"event":"listening"`) {
		b.Fatalf("the first line is %q (%v), not the event listening", line, err)
	}
	in.Close()
	cmd.Wait()
	return took
}
