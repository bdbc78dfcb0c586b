package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tongue is a language of the page.
type tongue string

const (
	english tongue = "en"
	chinese tongue = "zh"
)

// inBoth runs a test in English and in Chinese.
func inBoth(t *testing.T, f func(t *testing.T, lang tongue)) {
	t.Parallel()
	for _, lang := range []tongue{english, chinese} {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			f(t, lang)
		})
	}
}

// in returns a word of the page in a language, given in English. %s stands for what differs; what follows a |
// tells apart words that are one in English.
func (l tongue) in(en string, args ...any) string {
	zh, ok := pageWords[en]
	if !ok {
		panic("no such word: " + en)
	}
	s, _, _ := strings.Cut(en, "|")
	if l == chinese {
		s = zh
	}
	if len(args) > 0 {
		return fmt.Sprintf(s, args...)
	}
	return s
}

// pageWords are the names and words that people, and these tests, find things on the page by.
var pageWords = map[string]string{
	"Listen": "监听", "Connect": "连接",
	"Address": "地址", "Port": "端口", "Codec": "编码", "Server": "服务器",
	"All interfaces": "所有网卡", "This machine only (127.0.0.1)": "仅本机 (127.0.0.1)",
	"Start listening": "开始监听", "Stop listening on %s": "停止监听 %s",
	"Connect|button": "连接服务器", "Cancel": "取消",
	"Enter the server's IP address and port first": "请先输入服务器的IP地址和端口号",
	"Disconnect":    "断开连接",
	"Connect again": "立即重连",
	"Stop trying":   "停止重连",
	"Message":       "消息",
	"Send":          "发送",
	"Text":          "文本",
	"Hex":           "十六进制",
	"Show":          "显示", "Write": "输入",
	"Messages":           "消息记录",
	"Copy":               "复制",
	"Clear view":         "清屏",
	"Save as text":       "另存为文本",
	"Save as JSON":       "另存为 JSON",
	"Pause reading":      "暂停读取",
	"Resume reading":     "继续读取",
	"Read one":           "读取一条",
	"Codec of this link": "此连接的编码", "Text encoding": "文字编码",
	"Held messages": "待处理的消息", "Send now": "现在发送", "Discard": "丢弃",
	"Conversations": "会话", "Everyone": "所有人", "Disconnect all": "全部断开",
	"TCP": "TCP", "Status": "状态", "Theme": "主题",
	"Invite": "邀请", "Invite somebody to %s": "邀请他人到 %s", "Ticket": "入场券", "Copy the ticket": "复制入场券", "Close": "关闭",
	"The ticket as a QR code": "入场券二维码", "Make a code": "生成配对码", "Pairing code": "配对码", "Peers": "对方",
	"Accept": "接受", "Waiting for the host": "等待主机", "Forget the old key": "忘记旧密钥",
	"stored by the host": "主机已存盘", "has it": "已存盘", "asks to come in": "请求进入",
	"Ready": "就绪", "Listening": "正在监听", "Waiting for a connection": "等待连接", "Connection accepted": "接受到连接",
	"Stopped listening": "停止监听", "Connecting…": "正在连接…", "Connected": "连接成功", "Connection failed": "连接失败",
	"Sending…": "正在发送…", "Done": "完毕", "Disconnected": "断开了连接",
}

// node is a tincan that serves its page.
type node struct {
	*proc
	dir, page string // the data folder; the page's address with the token in it
	base      string // the address alone
	token     string
}

// startNode runs tincan on a data folder, "" is a new one, without opening a browser of its own.
func startNode(t testing.TB, dir string, args ...string) *node {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	n := &node{proc: tincan(t, dir, append([]string{"--no-browser"}, args...)...), dir: dir}
	n.page, _ = n.line(0, "the page's address", func(s string) bool { return strings.HasPrefix(s, "http://") })
	base, token, ok := strings.Cut(n.page, "/#t=")
	if !ok {
		t.Fatalf("the page's address has no token: %s", n.page)
	}
	n.base, n.token = base, token
	return n
}

// call asks the node's API.
func call[T any](n *node, verb string, pairs ...any) (answer T) {
	n.t.Helper()
	in := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		in[pairs[i].(string)] = pairs[i+1]
	}
	body, err := json.Marshal(in)
	if err != nil {
		n.t.Fatal(err)
	}
	r, err := http.NewRequest("POST", n.base+"/api/"+verb, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+n.token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		n.t.Fatalf("%s %s: %s %s %v", verb, body, resp.Status, out, err)
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		n.t.Fatalf("%s: %v in %s", verb, err, out)
	}
	return answer
}

// nodeStatus is what the tests look at of the API's status.
type nodeStatus struct {
	Addresses []string `json:"addresses"`
	Listeners []struct {
		ID    string   `json:"id"`
		Addr  string   `json:"addr"`
		Codec string   `json:"codec"`
		Reach []string `json:"reach"`
		Links int      `json:"links"`
	} `json:"listeners"`
	Links []nodeLink `json:"links"`
	Rooms []struct {
		Name  string  `json:"name"`
		Last  int64   `json:"last"`
		Links []int64 `json:"links"`
		Dial  *struct {
			Phase string `json:"phase"`
		} `json:"dial"`
		Held *struct {
			Queued, Uncertain int
		} `json:"held"`
	} `json:"rooms"`
}

type nodeLink struct {
	ID       int64  `json:"id"`
	Room     string `json:"room"`
	Remote   string `json:"remote"`
	Local    string `json:"local"`
	Codec    string `json:"codec"`
	Paused   bool   `json:"paused"`
	BytesIn  int64  `json:"bytes_in"`
	BytesOut int64  `json:"bytes_out"`
	Reason   string `json:"reason"`
}

func (n *node) status() nodeStatus { n.t.Helper(); return call[nodeStatus](n, "status") }

// listen has the node listen on a free port of this machine, with no page involved, and returns the port.
func (n *node) listen(codec string) (port string) {
	n.t.Helper()
	l := call[struct{ Addr string }](n, "listen", "addr", codec+"://127.0.0.1:0")
	_, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		n.t.Fatal(err)
	}
	return port
}

// open shows the node's page in a tab of its own and waits until it is ready for use.
func (n *node) open(t testing.TB, lang tongue) *tab {
	t.Helper()
	b := newTab(t, lang)
	b.visit(n.page)
	return b
}

// visit goes to an address and waits until the page there is ready for use.
func (b *tab) visit(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
	b.shown = 0
	b.strip(b.lang.in("Ready"))
}

// peer is a plain TCP connection with its incoming bytes.
type peer struct {
	*net.TCPConn
	t testing.TB
}

// dialNode connects to a port of the node as netcat would.
func dialNode(t testing.TB, port string) *peer {
	t.Helper()
	return &peer{connect(t, port), t}
}

// addr is how the node calls this peer.
func (p *peer) addr() string { return p.LocalAddr().String() }

// says writes a text.
func (p *peer) says(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
}

// hears waits for exactly these bytes next.
func (p *peer) hears(want string) {
	p.t.Helper()
	p.SetReadDeadline(deadline())
	buf := make([]byte, len(want))
	if n, err := io.ReadFull(p, buf); err != nil || string(buf) != want {
		p.t.Fatalf("%s heard %s (%v), want %s", p.addr(), quote(string(buf[:n])), err, quote(want))
	}
}

// deadline is when a test gives up waiting.
func deadline() time.Time { return time.Now().Add(patience) }
