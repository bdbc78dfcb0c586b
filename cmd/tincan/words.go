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
	"rootLong": `tincan: talk over TCP. One side listens, the other dials; people or programs on both ends exchange
messages and always see what the connection is doing. Everything said is kept in a journal.

Without a command it runs and opens its page in the browser.`,
	"listenLong": `Listen on an address and talk with everybody who connects: a screen on a terminal, a pipe otherwise
(each line of standard input goes to all who are connected, each message received is a line of standard output).

ADDR is PORT, HOST:PORT or CODEC://HOST:PORT[/ROOM][?OPTIONS]. A bare port listens on this machine only, :PORT on
every interface; port 0 is any. Without a codec the peer's first bytes choose: dotnet, lines or raw.
At the end of standard input what is owed is sent, then it closes and exits.`,
	"dialLong": `Connect to an address and talk: a screen on a terminal, a pipe otherwise. A link that is lost is dialled
again after 0.5 s to 30 s. ADDR is HOST:PORT (text lines) or CODEC://HOST:PORT[?OPTIONS].

Exit status: 0 ok, 1 failed, 2 usage, 3 could not connect, 4 not delivered in time, 5 refused.`,
	"sendLong": `Connect, send one message and wait until the peer's TCP has acknowledged every byte of it.
TEXT "-" is standard input.

Exit status: 0 it got there, 2 usage, 3 could not connect, 4 not delivered in time, 5 refused.`,
	"logLong": `Print the messages of a room from the journal, oldest first: number, time, sender, text.
Without ROOM it is the room used last; tincan rooms lists them.`,
	"objectHint": `an object looks like {"text": "hello"}, {"hex": "00 ff"} or {"base64": "AP8="}; "room" and "id" may be in it`,
}

var chinese = map[string]string{
	"rootLong": `传声筒 tincan：通过 TCP 交谈。一方监听，另一方连接；两端的人或程序互发消息，并始终能看到连接的状态。
说过的一切都保存在日志中。

不带命令运行时，会启动并在浏览器中打开页面。`,
	"listenLong": `在一个地址上监听，与每个连接进来的人交谈：在终端上是一个屏幕，否则是管道
（标准输入的每一行发给所有已连接的对方，收到的每条消息是标准输出的一行）。

ADDR 是 端口、主机:端口 或 编码://主机:端口[/房间][?选项]。只写端口时只监听本机，:端口 监听所有网卡；端口 0 为任意端口。
不指定编码时由对方的首批字节决定：dotnet、lines 或 raw。标准输入结束后，发完欠下的消息，然后关闭退出。`,
	"dialLong": `连接一个地址并交谈：在终端上是一个屏幕，否则是管道。断开后会在 0.5 到 30 秒后重新连接。
ADDR 是 主机:端口（文本行）或 编码://主机:端口[?选项]。

退出状态：0 成功，1 失败，2 用法错误，3 无法连接，4 未能按时送达，5 被拒绝。`,
	"sendLong": `连接，发送一条消息，并等到对方的 TCP 确认了它的每个字节。TEXT 为 "-" 时读标准输入。

退出状态：0 已到达，2 用法错误，3 无法连接，4 未能按时送达，5 被拒绝。`,
	"logLong": `从日志打印一个房间的消息，最早的在前：编号、时间、发送者、文字。
不写 ROOM 时是最近使用的房间；用 tincan rooms 列出房间。`,

	"objectHint":                                        `对象的写法：{"text": "你好"}、{"hex": "00 ff"} 或 {"base64": "AP8="}；其中可有 "room" 和 "id"`,
	"line %d of standard input: %s":                     "标准输入第 %d 行：%s",
	"it is longer than %d MiB":                          "超过 %d MiB",
	"there is more behind the object":                   "对象后面还有内容",
	`it is not UTF-8: write bytes as "hex" or "base64"`: `不是 UTF-8：请用 "hex" 或 "base64" 写字节`,
	`what "base64" has is not base64`:                   `"base64" 的内容不是 base64`,
	`an object has one of "text", "hex" and "base64"`:   `对象须有 "text"、"hex"、"base64" 之一`,

	"talk over TCP: one side listens, the other dials":              "通过 TCP 交谈：一方监听，另一方连接",
	"wait for others to connect, and talk with them":                "等待别人连接，并与他们交谈",
	"connect to somebody who listens, and talk":                     "连接正在监听的一方，并交谈",
	"send one message; exit 0 only when it got there":               "发送一条消息；只有到达时才以 0 退出",
	"print what was said":                                           "打印说过的话",
	"list the rooms of the journal":                                 "列出日志中的房间",
	"show what the running tincan is doing":                         "显示正在运行的 tincan 的状态",
	"print the version":                                             "打印版本",
	"show help for a command":                                       "显示某个命令的帮助",
	"print the completion script for bash, zsh, fish or powershell": "打印 bash、zsh、fish 或 powershell 的补全脚本",
	"show help":                              "显示帮助",
	"Usage:":                                 "用法：",
	"Commands:":                              "命令：",
	"Examples:":                              "例子：",
	"Flags:":                                 "选项：",
	"folder of the journal (or TINCAN_DATA)": "日志所在文件夹（或用 TINCAN_DATA）",
	"language: en or zh (default: the environment's)":                            "语言：en 或 zh（默认由环境决定）",
	"how long to wait at the end for what is owed":                               "结束时等待欠下消息的时间",
	"one JSON object per line on standard output; objects on standard input too": "标准输出每行一个 JSON 对象；标准输入也可用对象",
	"how long to wait for the connection and the receipt":                        "等待连接和回执的时间",
	"TEXT is bytes in hex":                                                       "TEXT 是十六进制字节",
	"the message's id: sent again with the same id, it is accepted once":         "消息的 id：用同一 id 重发时只接受一次",
	"print the events as JSON objects":                                           "把事件打印为 JSON 对象",
	"how many messages, the newest; 0 is all":                                    "多少条消息（最新的）；0 为全部",
	"go on with new messages as they come":                                       "继续显示新到的消息",
	"show bytes in hex":                                                          "以十六进制显示字节",
	"list connections that ended instead, and why":                               "改为列出已结束的连接及原因",
	"read what can still be read from a damaged journal":                         "从损坏的日志中读取仍可读取的内容",
	"one JSON object per message":                                                "每条消息一个 JSON 对象",
	"one JSON object per room":                                                   "每个房间一个 JSON 对象",
	"the whole status as one JSON object":                                        "整个状态为一个 JSON 对象",
	"print the page's address, do not open it":                                   "只打印页面地址，不打开",
	"serve the page on this loopback address, such as 127.0.0.1:8080":            "在这个本机地址提供页面，如 127.0.0.1:8080",

	"an argument is missing: %s":           "缺少参数：%s",
	"too many arguments: %s":               "参数太多：%s",
	"there is no command %q":               "没有命令 %q",
	"; did you mean %s?":                   "；是不是 %s？",
	"listening on %s":                      "正在监听 %s",
	"stopped listening on %s":              "停止监听 %s",
	"connecting to %s…":                    "正在连接 %s…",
	"connected: %s (%s)":                   "连接成功：%s（%s）",
	"%s speaks %s (%s)":                    "%s 使用 %s（%s）",
	"disconnected: %s":                     "断开了连接：%s",
	"disconnected: %s; next attempt in %s": "断开了连接：%s；%s 后重新连接",
	"%d messages from before were not sent and %d may have arrived; they are held": "之前有 %d 条消息未发送，%d 条可能已到达；它们被保留",
	"refused %s: %s":               "拒绝了 %s：%s",
	"peer closed":                  "对方关闭了连接（FIN）",
	"reset by peer":                "对方重置了连接（RST）",
	"timed out":                    "超时，没有应答",
	"closed here":                  "本方关闭了连接",
	"refused":                      "连接被拒绝",
	"hint:refused":                 "那里没有程序在监听：请启动服务器，或检查端口",
	"hint:timed out":               "检查地址；也可能被防火墙丢弃",
	"hint:unreachable":             "检查网络和地址",
	"hint:name not found":          "检查拼写，或改用 IP 地址",
	"unreachable":                  "无法到达",
	"name not found":               "找不到该名称",
	"not reading":                  "对方长时间不接收",
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

	"%d messages may not have arrived":                                                "%d 条消息可能没有到达",
	"could not connect; %d messages wait in the journal":                              "无法连接；%d 条消息在日志中等待",
	"%d messages were not delivered in time":                                          "%d 条消息未能按时送达",
	"the link ended before the peer's TCP confirmed the message; it may have arrived": "对方的 TCP 确认之前连接就结束了；消息可能已到达",
	"interrupted":           "已中断",
	"no connection in time": "未能按时连接",
	"not delivered in time; the message is in the journal":               "未能按时送达；消息在日志中",
	"this id was sent before and may have arrived; it is not sent again": "这个 id 已发送过，可能已到达；不再重发",
	"nothing was said yet in %s":                                         "%s 中还没有内容",
	"room %s":                                                            "房间 %s",
	"[the stream ended here]":                                            "［字节流在此结束］",
	"[decoded again later]":                                              "［后来已重新解码］",
	"some could not be read: %s":                                         "有些内容无法读取：%s",
	"ROOM":                                                               "房间",
	"MESSAGES":                                                           "消息",
	"LAST USED":                                                          "最近使用",
	"STATE":                                                              "状态",
	"%d connected":                                                       "%d 个连接",
	"%d held":                                                            "%d 条等待处理",
	"no tincan is running on %s; %d rooms in its journal": "%s 上没有运行 tincan；日志中有 %d 个房间",
	"tincan %s, pid %d, running for %s on %s":             "tincan %s，进程号 %d，已运行 %s，文件夹 %s",
	"trouble: %s":            "故障：%s",
	"listening":              "正在监听",
	"connecting":             "正在连接",
	"waiting":                "等待重连",
	"stopped":                "已停止",
	"established":            "已连接",
	"peer finished":          "对方已发完",
	"closing":                "正在关闭",
	"%d messages in, %d out": "收 %d 条，发 %d 条",
	"%d bytes in, %d out":    "收 %d 字节，发 %d 字节",
	"send queue %d":          "发送队列 %d",
	"receive queue %d":       "接收队列 %d",
	"%d retransmissions":     "重传 %d 次",
	"%d of %d bytes":         "%d / %d 字节",
	"silent for %s":          "静默 %s",
	"a tincan already runs on this folder; its page is":  "这个文件夹上已有 tincan 在运行，它的页面是",
	"no browser could be opened; open the address above": "无法打开浏览器；请打开上面的地址",
	"running; end with Ctrl-C":                           "正在运行；按 Ctrl-C 结束",
}
