package tincan

import (
	"bufio"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tincan/internal/identity"
	"tincan/internal/stream"
	"tincan/internal/wire"
)

// A conformance script is a conversation over a raw TLS connection with a node. Files in testdata/conformance hold many,
// each behind a line "== RULE what it shows". "as host" has the script play the host, and the node the guest.
//
//	> FRAME key=value …   send a frame; > raw HEX sends bytes
//	< FRAME key=value …   the next frame must be this one, with these fields; < end: the connection is closed
//	node says TEXT        the node sends a message in the room
//	admit MODE, ticket    how the node lets in; > pair step=1 data=ticket then shows the ticket
//	again                 a new connection with the same key; other: with another key
//
// Values: text, numbers, hex for epochs ("e1" is the epoch of bytes e1 00 …); chain=log:N is the chain of the node's room at
// N, chain=sent:N that of what the script has published, epoch=log the room's.
type script struct {
	name  string
	rule  string
	lines []string
}

func readScripts(t *testing.T) (all []script) {
	t.Helper()
	files, err := filepath.Glob("testdata/conformance/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, "== "):
				rule, name, _ := strings.Cut(line[3:], " ")
				all = append(all, script{name: rule + " " + name, rule: rule})
			default:
				s := &all[len(all)-1]
				s.lines = append(s.lines, line)
			}
		}
	}
	return all
}

// bodies are the frames by name: a value of each, and how it is read.
var bodies = map[string]struct {
	typ   wire.Type
	value any
	parse any
}{
	"hello":     {wire.Hello, wire.HelloBody{}, wire.ParseHello},
	"join":      {wire.Join, wire.JoinBody{}, wire.ParseJoin},
	"joined":    {wire.Join, wire.JoinedBody{}, wire.ParseJoined},
	"publish":   {wire.Publish, wire.PublishBody{}, wire.ParsePublish},
	"message":   {wire.Message, wire.MessageBody{}, wire.ParseMessage},
	"ack":       {wire.Ack, wire.AckBody{}, wire.ParseAck},
	"close":     {wire.Close, wire.CloseBody{}, wire.ParseClose},
	"pair":      {wire.Pair, wire.PairBody{}, wire.ParsePair},
	"receipt":   {wire.Receipt, wire.ReceiptBody{}, wire.ParseReceipt},
	"ephemeral": {wire.Ephemeral, wire.EphemeralBody{}, wire.ParseEphemeral},
}

// actor runs one script.
type actor struct {
	t      *testing.T
	node   *Node
	key    *identity.Key
	asHost bool
	addr   string
	room   string
	secret []byte
	ln     net.Listener
	conn   *tls.Conn
	in     *bufio.Reader
	sent   []wire.PublishBody
}

func (a *actor) connect() {
	a.t.Helper()
	var conn net.Conn
	var err error
	if a.asHost {
		a.ln.(*net.TCPListener).SetDeadline(time.Now().Add(30 * time.Second))
		if conn, err = a.ln.Accept(); err == nil {
			a.conn = tls.Server(conn, a.key.Server(func(identity.ID) error { return nil }))
		}
	} else if conn, err = net.Dial("tcp", a.addr); err == nil {
		a.conn = tls.Client(conn, a.key.Client(func(identity.ID) error { return nil }))
	}
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { conn.Close() })
	a.conn.SetDeadline(time.Now().Add(30 * time.Second))
	if err := a.conn.Handshake(); err != nil {
		a.t.Fatal(err)
	}
	a.in = bufio.NewReader(a.conn)
}

// field finds a field of a frame by its name in a script.
func field(v reflect.Value, key string) reflect.Value {
	return v.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, key) })
}

func (a *actor) set(v reflect.Value, key, text string) {
	f := field(v, key)
	if !f.IsValid() {
		a.t.Fatalf("no field %s", key)
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Bool:
		f.SetBool(text == "true")
	case reflect.Slice:
		b := []byte(text)
		if text == "ticket" {
			b = a.secret
		} else if h, ok := strings.CutPrefix(text, "hex:"); ok {
			b, _ = hex.DecodeString(h)
		} else if n, ok := strings.CutPrefix(text, "size:"); ok {
			k, _ := strconv.Atoi(n)
			b = make([]byte, k)
		}
		f.SetBytes(b)
	case reflect.Array:
		reflect.Copy(f, reflect.ValueOf(a.hash(text)).Slice(0, f.Len()))
	default:
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			a.t.Fatal(err)
		}
		if f.CanInt() {
			f.SetInt(n)
		} else {
			f.SetUint(uint64(n))
		}
	}
}

// hash is an epoch or a chain.
func (a *actor) hash(text string) []byte {
	out := make([]byte, 32)
	what, at, _ := strings.Cut(text, ":")
	n, _ := strconv.ParseInt(at, 10, 64)
	switch what {
	case "log":
		rec, _, err := a.node.journal.FindRoom(a.t.Context(), a.room)
		if err != nil {
			a.t.Fatal(err)
		}
		if at == "" {
			copy(out, rec.Epoch[:])
			break
		}
		c, known, err := a.node.journal.ChainAt(a.t.Context(), rec.ID, n)
		if err != nil || !known {
			a.t.Fatalf("the chain at %d: %v", n, err)
		}
		copy(out, c[:])
	case "sent":
		var c stream.Chain
		for i := range a.sent[:n] {
			c = stream.Next(c, int64(i)+1, a.sent[i].AppendRecord(nil))
		}
		copy(out, c[:])
	default:
		b, err := hex.DecodeString(text)
		if err != nil {
			a.t.Fatal(err)
		}
		copy(out, b)
	}
	return out
}

func (a *actor) send(words []string) {
	a.t.Helper()
	var frame []byte
	switch words[0] {
	case "raw":
		frame, _ = hex.DecodeString(strings.Join(words[1:], ""))
	case "ping":
		frame = wire.AppendPing(nil, wire.Ping, [8]byte{1})
	default:
		b, ok := bodies[words[0]]
		if !ok {
			a.t.Fatalf("no frame %s", words[0])
		}
		v := reflect.New(reflect.TypeOf(b.value))
		if words[0] == "hello" {
			v.Elem().FieldByName("Role").SetUint(map[bool]uint64{false: 1, true: 2}[a.asHost])
			v.Elem().FieldByName("Version").SetUint(1)
			v.Elem().FieldByName("Window").SetUint(1 << 20)
		}
		for _, w := range words[1:] {
			key, value, _ := strings.Cut(w, "=")
			a.set(v.Elem(), key, value)
		}
		if p, ok := v.Interface().(*wire.PublishBody); ok && p.Seq == int64(len(a.sent))+1 {
			a.sent = append(a.sent, *p)
		}
		frame = v.Interface().(interface{ Append([]byte) []byte }).Append(nil)
	}
	a.conn.Write(frame) // the node may have closed already: what it says is what counts
}

// next reads a frame. What a host tells of presence is passed over, unless it is what is wanted.
func (a *actor) next(want string) (name string, v reflect.Value, err error) {
	for {
		head := make([]byte, wire.HeaderSize)
		if _, err := io.ReadFull(a.in, head); err != nil {
			return "end", v, err
		}
		body := make([]byte, int(head[4])<<24|int(head[5])<<16|int(head[6])<<8|int(head[7]))
		if _, err := io.ReadFull(a.in, body); err != nil {
			return "end", v, err
		}
		if wire.Type(head[0]) == wire.Pong {
			return "pong", v, nil
		}
		for name, b := range bodies {
			if b.typ != wire.Type(head[0]) || name == "join" && head[1]&1 != 0 || name == "joined" && head[1]&1 == 0 {
				continue
			}
			if name != want && (name == "ephemeral" || name == "receipt" || name == "message" && (want == "ephemeral" || want == "receipt")) {
				break
			}
			out := reflect.ValueOf(b.parse).Call([]reflect.Value{reflect.ValueOf(head[1]), reflect.ValueOf(body)})
			if e := out[1].Interface(); e != nil {
				return name, v, e.(error)
			}
			return name, out[0], nil
		}
	}
}

func (a *actor) expect(words []string) {
	a.t.Helper()
	name, v, err := a.next(words[0])
	for words[0] == "ack" && name == "ack" && !strings.Contains(strings.Join(words, " ")+" ", fmt.Sprintf(" n=%d ", v.FieldByName("N").Int())) { // one for less
		name, v, err = a.next(words[0])
	}
	if name == "end" && words[0] == "end" {
		return
	}
	if err != nil || name != words[0] {
		a.t.Fatalf("%s %+v came (%v), want %s", name, v, err, strings.Join(words, " "))
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		want := reflect.New(v.Type()).Elem()
		a.set(want, key, value)
		if got, want := field(v, key), field(want, key); !reflect.DeepEqual(got.Interface(), want.Interface()) {
			a.t.Fatalf("%s has %s %v, want %v: %+v", name, key, got, want, v)
		}
	}
}

var word = regexp.MustCompile(`[^\s"]+(?:"[^"]*")?`)

func (a *actor) run(s script) {
	for _, line := range s.lines {
		words := word.FindAllString(line, -1)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], `"`, "")
		}
		switch {
		case words[0] == ">":
			a.send(words[1:])
		case words[0] == "<":
			a.expect(words[1:])
		case words[0] == "node" && words[1] == "says":
			if _, err := a.node.Send(a.t.Context(), a.room, []byte(words[2])); err != nil {
				a.t.Fatalf("%s: %v", line, err)
			}
		case words[0] == "again":
			a.conn.Close()
			a.connect()
		case words[0] == "beside": // a second connection, while the first lives
			a.connect()
		case words[0] == "other":
			a.key, _ = identity.New()
			a.sent = nil
			a.connect()
		case words[0] == "block":
			state := Blocked
			if _, err := a.node.SetPeer(a.t.Context(), string(a.key.ID()), PeerChange{State: &state}); err != nil {
				a.t.Fatal(err)
			}
		default:
			a.t.Fatalf("what is %q?", line)
		}
		if a.t.Failed() {
			a.t.Fatalf("at %q", line)
		}
	}
}

// option takes a line off the head of a script: "admit ask".
func (s *script) option(name string) (value string, ok bool) {
	if len(s.lines) > 0 {
		if word, rest, _ := strings.Cut(s.lines[0], " "); word == name {
			s.lines = s.lines[1:]
			return rest, true
		}
	}
	return "", false
}

func newActor(t *testing.T, s *script) *actor {
	a := &actor{t: t, node: openFast(t), room: lobby}
	a.key, _ = identity.New()
	if _, a.asHost = s.option("as"); a.asHost {
		var err error
		if a.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.ln.Close() })
		options, _ := s.option("dial")
		a.room = mustDial(t, a.node, "tincan://"+a.ln.Addr().String()+"?key="+string(a.key.ID())+options)
		a.connect()
		return a
	}
	mode, _ := s.option("admit")
	if mode == "" {
		mode = admitOpen
	}
	room, _ := s.option("room")
	a.addr = mustListen(t, a.node, "tincan://127.0.0.1:0"+room+"?admit="+mode).Addr
	if uses, ok := s.option("ticket"); ok {
		k, err := identity.ParseTicket(mustTicket(t, a.node, TicketRequest{Room: strings.TrimSpace(uses)}))
		if err != nil {
			t.Fatal(err)
		}
		a.secret = k.Secret
	}
	a.connect()
	return a
}

func TestConformance(t *testing.T) {
	scripts := readScripts(t)
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			newActor(t, &s).run(s)
		})
	}
	t.Logf("%d scripts", len(scripts))
}

// TestConformanceIsWhole looks for rules of the document that no script names. Those that a script cannot show name the
// test that does.
func TestConformanceIsWhole(t *testing.T) {
	elsewhere := map[string]string{
		"1.1": "identity.TestHandshakeRefused", "1.2": "identity.TestHandshakeRefused", "1.3": "identity.TestID", "1.4": "TestKeyChanged",
		"1.5": "TestOpenDoor", "1.7": "TestGreeters", "3.4": "TestNativeSilence", "4.1": "TestNativeTalk", "4.3": "stream.TestModel", "5.2": "TestAdmission",
		"5.3": "identity.TestPairing", "5.4": "TestPairingCode", "6.1": "TestAsk", "4.8": "TestRetention", "4.11": "TestSimulation", "2.1": "wire.TestCodec",
	}
	named := map[string]bool{}
	scripts := readScripts(t)
	for _, s := range scripts {
		named[s.rule] = true
	}
	if len(scripts) < 60 {
		t.Errorf("%d scripts", len(scripts))
	}
	b, err := os.ReadFile("docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`\*\*(\d+\.\d+)[ *]`).FindAllStringSubmatch(string(b), -1)
	if len(rules) < 35 {
		t.Fatalf("%d rules in the document", len(rules))
	}
	for _, r := range rules {
		if !named[r[1]] && elsewhere[r[1]] == "" {
			t.Errorf("rule %s has no script", r[1])
		}
	}
}
