package main

import "maps"

// englishOfNative and chineseOfNative are the words of keys, tickets and native links.
var englishOfNative = map[string]string{
	"ticketLong": `Make a ticket: one line that lets one key in, within a day, and tells the guest
which key to expect here. On the other machine: tincan dial TICKET. HOST:PORT
is how the guest reaches this machine; without it, it is the address of what
listens here now.

Whoever has the line can come in with it, so give it away as you would a
password. What is printed is the only copy: the secret in it is not kept.`,
	"ticketExample": `  tincan ticket                          # for what listens here
  tincan ticket 192.0.2.7:7000 --room ops --uses 5 --valid 1h
  tincan ticket --list
  tincan ticket --revoke 3f9a0c12b4d5`,
	"codeLong": `Make a code of nine digits to say aloud. The other side dials with --code, both
nodes prove to each other that they know it without showing it, and from then
on they know each other's keys. It is good for one use, three tries and five
minutes.`,
	"peersLong": `List the keys that this node knows: those that dialled it and those that it
dialled. A name in quotes is what the peer calls itself; compare the fingerprint
before you trust one that asks.`,
	"trustLong": `Let a key in from now on: one that asks, one that was blocked, or one whose id
you were given. PEER is an id (tc1…), the beginning of one, or a name.`,
	"forgetLong": `Remove what is known of a key, and close its links. What was said stays in the
journal. A host whose key has changed is dialled with a new ticket afterwards.`,
	"keepLong": `Show how much of a room is kept, or set it. What is over is removed, oldest
first, at once and as more comes. Members that had not read it are told that
messages are missing. Without options it only shows.`,
	"keepExample": `  tincan keep lobby --messages 100000
  tincan keep lobby --age 720h
  tincan keep lobby --all`,
}

var chineseOfNative = map[string]string{
	"ticketLong": `生成入场券：一行文字，让一个密钥在一天内进入，并告诉客人这里应出示的密钥。
在另一台机器上：tincan dial 入场券。HOST:PORT 是客人连接本机的地址；
不写则用当前监听的地址。

拿到这行文字的人都能进入，请像密码一样对待。它只显示这一次：其中的密文不会保存。`,
	"ticketExample": `  tincan ticket                          # 用于当前的监听
  tincan ticket 192.0.2.7:7000 --room ops --uses 5 --valid 1h
  tincan ticket --list
  tincan ticket --revoke 3f9a0c12b4d5`,
	"codeLong": `生成可以口头告知的九位配对码。对方用 --code 连接，双方互相证明知道配对码
而不泄露它，此后便认识对方的密钥。只能用一次，最多错三次，五分钟内有效。`,
	"peersLong": `列出本机知道的密钥：连接过本机的，和本机连接过的。引号里的名称是对方自称；
信任请求者之前请先核对指纹。`,
	"trustLong": `从现在起让一个密钥进入：正在请求的、被屏蔽的，或你得知其 id 的。
PEER 是 id（tc1…）、id 的开头，或名称。`,
	"forgetLong": `删除对一个密钥的记录并断开它的连接。说过的话仍留在日志里。
主机更换密钥后，忘掉旧的，再用新的入场券连接。`,
	"keepLong": `显示或设定房间保留多少内容。超出的部分从最旧的开始删除，立即生效，之后随时执行。
还没有读到的成员会得知有消息缺失。不带选项则只显示。`,
	"keepExample": `  tincan keep lobby --messages 100000
  tincan keep lobby --age 720h
  tincan keep lobby --all`,

	"between two tincans: keys, encrypted, stored there":                 "两个 tincan 之间：有密钥，加密，存到对方",
	"listen, tincan: whom to let in by key":                              "监听，tincan：让哪些密钥进入",
	"dial, tincan: what a ticket says; dial it as it is":                 "拨出，tincan：入场券的内容；直接连接入场券即可",
	"dial, tincan: a pairing code; or any key at first":                  "拨出，tincan：配对码；或首次接受任何密钥",
	"dial, tincan: what to read of a room at first":                      "拨出，tincan：首次读取房间的多少内容",
	"make a ticket that lets somebody in":                                "生成让别人进入的入场券",
	"the room that it opens":                                             "它能进入的房间",
	"how many keys it lets in":                                           "让几个密钥进入",
	"for how long":                                                       "有效期",
	"draw it as a QR code, on standard error":                            "在标准错误上画成二维码",
	"list the tickets that still let somebody in":                        "列出仍然有效的入场券",
	"make a ticket worthless":                                            "作废一张入场券",
	"one JSON object per ticket":                                         "每张入场券一个 JSON 对象",
	"the ticket %s lets nobody in any more":                              "入场券 %s 已作废",
	"whoever has this line can come in, until %s: give it to one person": "拿到这行文字的人在 %s 之前都能进入：只给一个人",
	"nothing listens on %s now: start tincan listen":                     "%s 上现在没有监听：请运行 tincan listen",
	"TICKET": "入场券", "USES": "次数", "EXPIRES": "到期", "NAME": "名称", "HOW": "途径", "LAST SEEN": "最近一次", "FINGERPRINT": "指纹", "ID": "ID",
	"no ticket lets anybody in":                                                         "没有有效的入场券",
	"make a short code to say aloud, which pairs two nodes":                             "生成可口头告知的配对码",
	"as a JSON object":                                                                  "输出 JSON 对象",
	"no tincan is running on %s":                                                        "%s 上没有运行 tincan",
	"a code lives as long as the node: start tincan listen, then ask again":             "配对码只在节点运行时有效：先运行 tincan listen",
	"for one use, within five minutes; the other side: tincan dial HOST:PORT --code %s": "五分钟内使用一次；对方运行：tincan dial HOST:PORT --code %s",
	"list the keys that this node knows":                                                "列出本机知道的密钥",
	"one JSON object per peer":                                                          "每个对方一个 JSON 对象",
	"no key is known yet in %s":                                                         "%s 里还没有密钥",
	"let a key in from now on":                                                          "从现在起让一个密钥进入",
	"what to call it here":                                                              "在这里的名称",
	"%s (%s) may come in":                                                               "%s（%s）可以进入",
	"keep a key out, and close its links":                                               "屏蔽一个密钥并断开它",
	"%s (%s) is kept out; tincan trust lets it in again":                                "%s（%s）已屏蔽；tincan trust 可恢复",
	"remove what is known of a key, and close its links":                                "忘掉一个密钥并断开它",
	"%s is forgotten; what was said stays":                                              "已忘掉 %s；说过的话仍保留",
	"show or set how much of a room is kept":                                            "显示或设定房间保留多少内容",
	"at most so many messages":                                                          "最多多少条消息",
	"at most so many bytes":                                                             "最多多少字节",
	"nothing older than this":                                                           "不保留比这更旧的",
	"everything":                                                                        "全部保留",
	"the newest %d messages":                                                            "最新的 %d 条消息",
	"at most %d bytes":                                                                  "最多 %d 字节",
	"nothing older than %s":                                                             "不早于 %s",
	"everything is kept":                                                                "全部保留",
	"whom to let in by key: ticket, ask or open":                                        "让哪些密钥进入：ticket、ask 或 open",
	"take whatever key the host shows, the first time":                                  "首次连接时接受主机出示的密钥",
	"what to read of a room at first: all, new or a number":                             "首次进入房间时读取：all、new 或条数",
	"pair with a code that the host was given":                                          "用主机给出的配对码配对",
	"%s wants to come in: %s calls itself %s":                                           "%s 请求进入：%s，自称 %s",
	"let it in: tincan trust %s":                                                        "允许：tincan trust %s",
	"the key %s is trusted from now on (%s)":                                            "从现在起信任密钥 %s（%s）",
	"messages of %s are missing: %s":                                                    "%s 缺少消息：%s",
	"messages are missing: %s":                                                          "缺少消息：%s",
	"messages that wait for %s: %d, the oldest for %s":                                  "等待 %s 的消息：%d 条，最早的已等待 %s",
	"not stored in time; the message waits here and goes later":                         "未能按时存到对方；消息在这里等待，之后会送出",
	"%d wait since %s":                                                                  "%d 条等待，自 %s 起",
	"host":                                                                              "主机",
	"trusted":                                                                           "已信任", "blocked": "已屏蔽", "asking": "请求中", "seen": "见过",
	"ticket": "入场券", "code": "配对码", "asked": "询问", "open": "开放", "first use": "首次接受",
	"bye": "对方结束了连接", "shutting down": "对方正在停止，之后会回来", "replaced": "同一密钥建立了更新的连接", "idle": "空闲",
	"over a limit": "超出限制", "storage": "无法保存", "greeting timed out": "问候超时", "fork": "需要重新对齐", "unsupported": "不支持",
	"gap": "顺序有缺口", "ack beyond sent": "确认了未发送的消息", "unknown key": "不认识这个密钥", "key differs": "密钥与记录不符", "pairing failed": "配对失败",
}

func init() {
	maps.Copy(english, englishOfNative)
	maps.Copy(chinese, chineseOfNative)
}
