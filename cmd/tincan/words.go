package main

import (
	"fmt"
	"strings"
)

// Words that people read. Rules:
//
//   - Standard output carries data only; everything said to a person goes to standard error, with "tincan: ".
//   - No capital at the start, no full stop at the end. A failure has its next step on a line of its own.
//   - The sample's status words are kept in Chinese.
//   - The key of a phrase is its English text; longer texts have a short key.

// language is what --lang says, or else the environment: "zh" or "en".
func language(args []string, env func(string) string) string {
	for i, a := range args {
		if a == "--" {
			break
		}
		if v, ok := strings.CutPrefix(a, "--lang="); ok {
			return languageOf(v)
		}
		if a == "--lang" && i+1 < len(args) {
			return languageOf(args[i+1])
		}
	}
	for _, k := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(k); v != "" {
			return languageOf(v)
		}
	}
	return "en"
}

func languageOf(s string) string {
	if strings.HasPrefix(strings.ToLower(s), "zh") {
		return "zh"
	}
	return "en"
}

// t says a phrase in the user's language.
func (c *cli) t(key string, args ...any) string {
	f := key
	if s, ok := english[key]; ok {
		f = s
	}
	if s, ok := chinese[key]; ok && c.lang == "zh" {
		f = s
	}
	if len(args) == 0 {
		return f
	}
	return fmt.Sprintf(f, args...)
}

// english holds the longer texts.
var english = map[string]string{
	"rootLong": `tincan: talk over TCP. One side listens, the other dials; people or programs
on both ends exchange messages and always see what the connection is doing.
Everything said is kept in a journal.

Without a command it runs and opens its page in the browser.`,
	"rootExample": `  tincan                       # opens the page
  tincan listen 7000           # wait here…
  tincan dial 127.0.0.1:7000   # …and talk from another terminal`,
	"listenLong": `Listen on an address and talk with everybody who connects. On a terminal it is
a screen (F1 shows its keys); otherwise a pipe: each line of standard input
goes to all who are connected, each message received is a line of standard
output. At the end of standard input what is owed is sent, then it closes and
exits.

ADDR is PORT, HOST:PORT or CODEC://HOST:PORT[/ROOM][?OPTIONS]. A bare port
listens on this machine only, :PORT on every interface; port 0 is any. Without
a codec the peer's first bytes choose: dotnet, lines or raw. tincan help
addresses lists the codecs.

Exit status: 0 ok, 1 failed, 2 usage, 3 could not listen, 4 not delivered in
time, 5 refused.`,
	"listenExample": `  tincan listen 7000                # this machine only; dotnet or lines
  tincan listen :7000               # every interface
  tincan listen dotnet://:7000      # .NET BinaryWriter / BinaryReader
  tincan listen lines://:7000/lobby # one room for everybody
  tail -F app.log | tincan listen --json lines://:7000`,
	"dialLong": `Connect to an address and talk. On a terminal it is a screen (F1 shows its
keys); otherwise a pipe: each line of standard input is a message, each
message received is a line of standard output. A link that is lost is dialled
again after 0.5 s to 30 s. At the end of standard input what is owed is sent,
then it closes and exits.

ADDR is HOST:PORT (text lines) or CODEC://HOST:PORT[?OPTIONS]; tincan help
addresses lists the codecs.

Exit status: 0 ok, 1 failed, 2 usage, 3 could not connect, 4 not delivered in
time, 5 refused.`,
	"dialExample": `  tincan dial 192.0.2.7:7000              # text lines
  tincan dial dotnet://server:7000        # .NET BinaryWriter / BinaryReader
  echo hello | tincan dial server:7000    # exit 0: the peer's TCP has it
  tincan dial 'lines://server:7000?encoding=gbk&eol=crlf'`,
	"sendLong": `Connect, send one message and wait until the peer's TCP has acknowledged every
byte of it. TEXT "-" is standard input.

ADDR is HOST:PORT (text lines) or CODEC://HOST:PORT[?OPTIONS]; tincan help
addresses lists the codecs.

Exit status: 0 it got there, 1 failed, 2 usage, 3 could not connect, 4 not
delivered in time, 5 refused.`,
	"sendExample": `  tincan send server:7000 'hello'
  tincan send dotnet://server:7000 你好
  tincan send --hex raw://plc:502 '00 01 00 00 00 06 01 03 00 00 00 01'
  tincan send server:7000 - < message.txt`,
	"logLong": `Print the messages of a room from the journal, oldest first: number, time,
sender, text. Without ROOM it is the room used last; tincan rooms lists them.
What the room's host has not numbered yet comes last, with a dash (offset 0).`,
	"logExample": `  tincan log                              # the room used last
  tincan log -n 20 lines://server:7000
  tincan log --since 10m --hex
  tincan log --follow                     # every room, as it is said
  tincan log --links                      # connections, and why they ended
  tincan log --events --since 1h          # what happened, step by step`,
	"roomsLong": `List the rooms of the journal, the one used last first. A room is one
conversation: a connection that came in (tcp:HOST:PORT), an address that was
dialled, or a shared room that a listener names. tincan log ROOM prints it.`,
	"statusLong": `Show what the tincan that runs on the folder is doing: what it listens on, who
is connected (→ dialled, ← came in), what it is dialling and which messages
are held.`,
	"addressLong": `An address is CODEC://HOST:PORT[/ROOM][?OPTIONS]. Most of it can be left out:
without a codec, a listener lets the peer's first bytes choose (dotnet, lines
or raw), and what is dialled speaks lines.`,
	"completionLong": `Print the completion script of a shell. It completes commands, options, codecs
and their options, addresses that were dialled before, and rooms.`,
	"completionExample": `  source <(tincan completion bash)         # in this shell only
  tincan completion bash > ~/.local/share/bash-completion/completions/tincan
  tincan completion zsh > "${fpath[1]}/_tincan"
  tincan completion fish > ~/.config/fish/completions/tincan.fish
  tincan completion powershell | Out-String | Invoke-Expression`,
	"objectHint": `an object looks like {"text": "hello"}, {"hex": "00 ff"} or {"base64": "AP8="}; "room" and "id" may be in it`,

	"codec lines":  "a text line; LF and CRLF both end it",
	"codec dotnet": ".NET BinaryWriter.Write(string)",
	"codec raw":    "whatever arrives together",
	"codec delim":  "what stands before a delimiter, in hex",
	"codec len8":   "length in 1 byte, then the message",
	"codec len16":  "length in 2 bytes, then the message",
	"codec len32":  "length in 4 bytes, then the message",
	"codec len64":  "length in 8 bytes, then the message",
	"codec varint": "protobuf-style length, then the message",
	"codec fixed":  "always as many bytes",
	"codec json":   "one JSON value",
	"codec cobs":   "COBS packets",
	"codec slip":   "SLIP packets",
	"codec idle":   "what arrives before a pause (50 ms)",
}

var chinese = map[string]string{
	"rootLong": `传声筒 tincan：通过 TCP 交谈。一方监听，另一方连接；两端的人或程序互发消息，并
始终能看到连接的状态。说过的一切都保存在日志中。

不带命令运行时，会启动并在浏览器中打开页面。`,
	"rootExample": `  tincan                       # 打开页面
  tincan listen 7000           # 在这里等待……
  tincan dial 127.0.0.1:7000   # ……在另一个终端里交谈`,
	"listenLong": `在一个地址上监听，与每个连接进来的人交谈。在终端上是一个屏幕（按 F1 显示按键），
否则是管道：标准输入的每一行发给所有已连接的对方，收到的每条消息是标准输出的一
行。标准输入结束后，发完欠下的消息，然后关闭退出。

ADDR 是 端口、主机:端口 或 编码://主机:端口[/房间][?选项]。只写端口时只监听本
机，:端口 监听所有网卡；端口 0 为任意端口。不指定编码时由对方的首批字节决定：
dotnet、lines 或 raw。用 tincan help addresses 列出各种编码。

退出状态：0 成功，1 失败，2 用法错误，3 无法监听，4 未能按时送达，5 被拒绝。`,
	"listenExample": `  tincan listen 7000                      # 只限本机；dotnet 或 lines
  tincan listen :7000                     # 所有网卡
  tincan listen dotnet://:7000            # .NET BinaryWriter / BinaryReader
  tincan listen lines://:7000/lobby       # 所有人在同一个房间
  tail -F app.log | tincan listen --json lines://:7000`,
	"dialLong": `连接一个地址并交谈。在终端上是一个屏幕（按 F1 显示按键），否则是管道：标准输入
的每一行是一条消息，收到的每条消息是标准输出的一行。断开后会在 0.5 到 30 秒后
重新连接。标准输入结束后，发完欠下的消息，然后关闭退出。

ADDR 是 主机:端口（文本行）或 编码://主机:端口[?选项]；用 tincan help
addresses 列出各种编码。

退出状态：0 成功，1 失败，2 用法错误，3 无法连接，4 未能按时送达，5 被拒绝。`,
	"dialExample": `  tincan dial 192.0.2.7:7000              # 文本行
  tincan dial dotnet://server:7000        # .NET BinaryWriter / BinaryReader
  echo 你好 | tincan dial server:7000     # 对方的 TCP 收到后才以 0 退出
  tincan dial 'lines://server:7000?encoding=gbk&eol=crlf'`,
	"sendLong": `连接，发送一条消息，并等到对方的 TCP 确认了它的每个字节。TEXT 为 "-" 时读标准
输入。

ADDR 是 主机:端口（文本行）或 编码://主机:端口[?选项]；用 tincan help
addresses 列出各种编码。

退出状态：0 已确认，1 失败，2 用法错误，3 无法连接，4 未能按时送达，5 被拒绝。`,
	"sendExample": `  tincan send server:7000 '你好'
  tincan send dotnet://server:7000 你好
  tincan send --hex raw://plc:502 '00 01 00 00 00 06 01 03 00 00 00 01'
  tincan send server:7000 - < message.txt`,
	"logLong": `从日志打印一个房间的消息，最早的在前：编号、时间、发送者、文字。不写 ROOM 时是
最近使用的房间；用 tincan rooms 列出房间。主机还没有编号的消息排在最后，编号处是
短横（offset 为 0）。`,
	"logExample": `  tincan log                              # 最近使用的房间
  tincan log -n 20 lines://server:7000
  tincan log --since 10m --hex
  tincan log --follow                     # 所有房间，随说随显示
  tincan log --links                      # 各个连接及其结束的原因
  tincan log --events --since 1h          # 发生过的每一步`,
	"roomsLong": `列出日志中的房间，最近使用的在前。一个房间就是一段对话：连进来的连接（tcp:主机
:端口）、拨出的地址，或监听时命名的共享房间。用 tincan log ROOM 打印它。`,
	"statusLong": `显示在该文件夹上运行的 tincan 的状态：监听哪里、与谁相连（→ 拨出，← 连入）、正
在连接哪里，以及有哪些消息等待处理。`,
	"addressLong": `地址的写法是 编码://主机:端口[/房间][?选项]，大部分可以省略：不写编码时，监听
方由对方的首批字节决定（dotnet、lines 或 raw），拨出的一方使用 lines。`,
	"completionLong": `打印某个 shell 的补全脚本。可补全命令、选项、编码及其选项、拨过的地址和房间。`,
	"completionExample": `  source <(tincan completion bash)         # 仅当前 shell
  tincan completion bash > ~/.local/share/bash-completion/completions/tincan
  tincan completion zsh > "${fpath[1]}/_tincan"
  tincan completion fish > ~/.config/fish/completions/tincan.fish
  tincan completion powershell | Out-String | Invoke-Expression`,
	"objectHint": `对象的写法：{"text": "你好"}、{"hex": "00 ff"} 或 {"base64": "AP8="}；其中可有 "room" 和 "id"`,

	"codec lines":  "文本行；LF 和 CRLF 都是行尾",
	"codec dotnet": ".NET BinaryWriter.Write(string)",
	"codec raw":    "一起到达的就是一条",
	"codec delim":  "以分隔符（十六进制）结束",
	"codec len8":   "1 字节长度，然后是消息",
	"codec len16":  "2 字节长度，然后是消息",
	"codec len32":  "4 字节长度，然后是消息",
	"codec len64":  "8 字节长度，然后是消息",
	"codec varint": "protobuf 式的长度，然后是消息",
	"codec fixed":  "每条一样长",
	"codec json":   "一个 JSON 值",
	"codec cobs":   "COBS 包",
	"codec slip":   "SLIP 包",
	"codec idle":   "停顿（50 毫秒）之前到达的",

	"line %d of standard input: %s":                     "标准输入第 %d 行：%s",
	"it is longer than %d MiB":                          "超过 %d MiB",
	"there is more behind the object":                   "对象后面还有内容",
	`it is not UTF-8: write bytes as "hex" or "base64"`: `不是 UTF-8：请用 "hex" 或 "base64" 写字节`,
	`what "base64" has is not base64`:                   `"base64" 的内容不是 base64`,
	"the object does not end":                           "对象没有结束",
	`"%s" is a %s; it has to be a string`:               `"%s" 是 %s；它必须是字符串`,
	`an object has one of "text", "hex" and "base64"`:   `对象须有 "text"、"hex"、"base64" 之一`,

	"talk over TCP: one side listens, the other dials":      "通过 TCP 交谈：一方监听，另一方连接",
	"wait for others to connect, and talk with them":        "等待别人连接，并与他们交谈",
	"connect to somebody who listens, and talk":             "连接正在监听的一方，并交谈",
	"send one message; exit 0 only when it got there":       "发送一条消息；只有到达时才以 0 退出",
	"print what was said":                                   "打印说过的话",
	"list the rooms of the journal":                         "列出日志中的房间",
	"show what the running tincan is doing":                 "显示正在运行的 tincan 的状态",
	"print the version":                                     "打印版本",
	"show help for a command, or how addresses are written": "显示某个命令的帮助，或地址的写法",
	"how addresses are written":                             "地址的写法",
	"print the completion script of a shell":                "打印某个 shell 的补全脚本",
	"show help":                                             "显示帮助",
	"Usage:":                                                "用法：",
	"Commands:":                                             "命令：",
	"Examples:":                                             "例子：",
	"Options:":                                              "选项：",
	"[OPTIONS]":                                             "[选项]",
	"COMMAND …":                                             "命令 …",
	" (default %s)":                                         "（默认 %s）",
	"Codecs:":                                               "编码：",
	"Options of addresses:":                                 "地址的选项：",
	"folder of the journal (or TINCAN_DATA)":                "日志所在文件夹（或用 TINCAN_DATA）",
	"en or zh (default: as the environment says)":           "en 或 zh（默认由环境决定）",
	"how long to wait at the end for what is owed":          "结束时等待欠下消息的时间",
	"JSON: one object a line, on standard output and input": "标准输出每行一个 JSON 对象；标准输入也可以是对象",
	"how long to wait for connection and receipt":           "等待连接和回执的时间",
	"TEXT is bytes in hex":                                  "TEXT 是十六进制字节",
	"sent again with the same id, it is accepted once":      "用同一 id 重发时只接受一次",
	"print the events as JSON objects":                      "把事件打印为 JSON 对象",
	"how many messages, the newest; 0 is all":               "多少条消息（最新的）；0 为全部",
	"go on with what comes; without ROOM, in every room":    "继续显示新到的；不写 ROOM 时为所有房间",
	"only what was said since: 10m, 15:04, 2006-01-31":      "只要此后说的：10m、15:04、2006-01-31",
	"show bytes in hex":                                     "以十六进制显示字节",
	"list connections that ended instead, and why":          "改为列出已结束的连接及原因",
	"list what happened instead, step by step":              "改为逐步列出发生过的事",
	"read what can still be read from a damaged journal":    "从损坏的日志中读取仍可读取的内容",
	"one JSON object per message":                           "每条消息一个 JSON 对象",
	"one JSON object per room":                              "每个房间一个 JSON 对象",
	"the whole status as one JSON object":                   "整个状态为一个 JSON 对象",
	"print the page's address, do not open it":              "只打印页面地址，不打开",
	"serve the page there, such as on 127.0.0.1:8080":       "在这个本机地址提供页面，如 127.0.0.1:8080",

	"an argument is missing: %s":                                               "缺少参数：%s",
	"too many arguments: %s":                                                   "参数太多：%s",
	"there is no command %q":                                                   "没有命令 %q",
	"there is no help for %q":                                                  "没有关于 %q 的帮助",
	"there is no completion for %q; there is for %s":                           "没有 %q 的补全；有 %s 的",
	"there is no language %q; it is en or zh":                                  "没有语言 %q；可用 en 或 zh",
	"there is no option %s":                                                    "没有选项 %s",
	"the option --%s needs a value":                                            "选项 --%s 需要一个值",
	"%q is no value for the option --%s":                                       "%q 不能作为选项 --%s 的值",
	"; write a time such as 5s, 500ms or 2m":                                   "；请写时间，如 5s、500ms 或 2m",
	"; write a number":                                                         "；请写数字",
	"; write 10m, 2h, 15:04, 2006-01-02 or 2006-01-02T15:04:05Z":               "；请写 10m、2h、15:04、2006-01-02 或 2006-01-02T15:04:05Z",
	"these options do not go together":                                         "这些选项不能一起用",
	"%s; waiting for it":                                                       "%s；正在等待",
	"no tincan is running on %s; waiting for one":                              "%s 上没有运行 tincan；正在等待",
	"port 7000 of this machine":                                                "本机的 7000 端口",
	"listen: of every interface; dial: of this machine":                        "监听：所有网卡的；拨出：本机的",
	"a name, an IP address, or [2001:db8::7]:7000":                             "主机名、IP 地址，或 [2001:db8::7]:7000",
	"with a codec: how messages become bytes":                                  "指定编码：消息如何变成字节",
	"listen: everybody who connects sits in one room":                          "监听：所有连接的人在同一个房间",
	"any codec inside TLS":                                                     "任何编码，外加 TLS",
	"listen: any free port; the real one is shown":                             "监听：任意空闲端口，会显示真实端口",
	"the largest message, at most 16 MiB":                                      "最大的消息，不超过 16 MiB",
	"how text is written: %s":                                                  "文字的编码：%s",
	"dial: what waited for the peer goes out when it is back":                  "拨出：对方回来后发送其间排队的消息",
	"tls+: whom to trust (PEM)":                                                "tls+：信任谁（PEM）",
	"tls+: who we are (PEM)":                                                   "tls+：我方证书（PEM）",
	"tls+: do not check the server":                                            "tls+：不检查服务器",
	"In a shell, quote an address with ? or &: 'lines://server:7000?eol=crlf'": "在 shell 中，含 ? 或 & 的地址要加引号：'lines://server:7000?eol=crlf'",
	"no connection has ended yet":                                              "还没有结束的连接",
	"LINK":                                                                     "连接", "BEGAN": "开始", "REMOTE": "对方", "CODEC": "编码", "END": "结束",
	"%s after %s; %d messages and %d bytes in, %d messages and %d bytes out": "%s，历时 %s；收 %d 条 %d 字节，发 %d 条 %d 字节",
	"nothing is listened on and nobody is connected":                         "没有监听，也没有连接",
	"%d refused":                       "拒绝了 %d 个",
	"others dial %s":                   "其他人可连接 %s",
	"held":                             "等待处理",
	"%d not sent, %d may have arrived": "%d 条未发送，%d 条可能已到达",
	"attempt %d":                       "第 %d 次尝试",
	"next in %s":                       "%s 后重试",
	"reading is paused":                "已暂停读取",
	"; did you mean %s?":               "；是不是 %s？",
	"listening on %s":                  "正在监听 %s",
	"stopped listening on %s":          "停止监听 %s",
	"connecting to %s…":                "正在连接 %s…",
	"connected: %s (%s)":               "连接成功：%s（%s）",
	"%s speaks %s (%s)":                "%s 使用 %s（%s）",
	"could not connect: %s":            "连接失败：%s",
	"; next attempt in %s":             "；%s 后重新连接",
	"disconnected: %s":                 "断开了连接：%s",
	"held from before: %d not sent, %d that may have arrived": "之前有 %d 条消息未发送，%d 条可能已到达；它们被保留",
	"refused %s: %s":               "拒绝了 %s：%s",
	"peer closed":                  "对方关闭了连接（FIN）",
	"reset by peer":                "对方重置了连接（RST）",
	"timed out":                    "超时，没有应答",
	"closed here":                  "本方关闭了连接",
	"refused":                      "连接被拒绝",
	"hint:refused":                 "那里没有程序在监听：请启动服务器，或检查端口",
	"hint:timed out":               "检查地址；也可能被防火墙丢弃",
	"hint:unreachable":             "检查网络和地址",
	"hint:not reading":             "对方的程序需要接收；它没有收下的内容保留在这里",
	"hint:too large":               "用 ?max= 提高上限（最大 16MiB），或检查编码",
	"hint:malformed":               "检查双方的编码是否相同",
	"hint:name not found":          "检查拼写，或改用 IP 地址",
	"unreachable":                  "无法到达",
	"name not found":               "找不到该名称",
	"not reading":                  "对方长时间不接收",
	"crowded out":                  "未完的消息占用内存太久",
	"hint:crowded out":             "一次发完一条消息，或发送更小的消息",
	"malformed":                    "收到的内容不符合编码",
	"too large":                    "收到的消息太大",
	"tincan stopped":               "tincan 已停止",
	"canceled":                     "已取消",
	"network error":                "网络错误",
	"tincan ended without closing": "tincan 未正常关闭就结束了",
	"address":                      "由地址指定",
	"undecided":                    "未定",
	"assumed":                      "假定",
	"detected":                     "自动识别",
	"by hand":                      "手动选择",

	"messages that may not have arrived: %d":                                          "%d 条消息可能没有到达",
	"could not connect; messages that wait in the journal: %d":                        "无法连接；%d 条消息在日志中等待",
	"messages that were not delivered in time: %d":                                    "%d 条消息未能按时送达",
	"the link ended before the peer's TCP confirmed the message; it may have arrived": "对方的 TCP 确认之前连接就结束了；消息可能已到达",
	"interrupted":           "已中断",
	"no connection in time": "未能按时连接",
	"not delivered in time; the message is in the journal":               "未能按时送达；消息在日志中",
	"this id was sent before and may have arrived; it is not sent again": "这个 id 已发送过，可能已到达；不再重发",
	"nothing was said yet in %s":                                         "%s 中还没有内容",
	"room %s":                                                            "房间 %s",
	"[the stream ended here]":                                            "［字节流在此结束］",
	"[waits for the host]":                                               "［等待主机］",
	"[decoded again later]":                                              "［后来已重新解码］",
	"some could not be read: %s":                                         "有些内容无法读取：%s",
	"ROOM":                                                               "房间",
	"MESSAGES":                                                           "消息",
	"LAST USED":                                                          "最近使用",
	"STATE":                                                              "状态",
	"%d connected":                                                       "%d 个连接",
	"%d held":                                                            "%d 条等待处理",
	"no tincan is running on %s; rooms in its journal: %d": "%s 上没有运行 tincan；日志中有 %d 个房间",
	"tincan %s, pid %d, running for %s on %s":              "tincan %s，进程号 %d，已运行 %s，文件夹 %s",
	"trouble: %s":            "故障：%s",
	"listening":              "正在监听",
	"connecting":             "正在连接",
	"waiting":                "等待重连",
	"stopped":                "已停止",
	"established":            "已连接",
	"peer finished":          "对方已发完",
	"closing":                "正在关闭",
	"messages in %d, out %d": "收 %d 条，发 %d 条",
	"bytes in %d, out %d":    "收 %d 字节，发 %d 字节",
	"send queue %d":          "发送队列 %d",
	"receive queue %d":       "接收队列 %d",
	"%d retransmissions":     "重传 %d 次",
	"%d of %d bytes":         "%d / %d 字节",
	"silent for %s":          "静默 %s",
	"a tincan already runs on this folder; its page is":  "这个文件夹上已有 tincan 在运行，它的页面是",
	"no browser could be opened; open the address above": "无法打开浏览器；请打开上面的地址",
	"running; end with Ctrl-C":                           "正在运行；按 Ctrl-C 结束",
}
