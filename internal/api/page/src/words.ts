import { chat } from "./words.chat.ts";
import { native } from "./words.native.ts";
import { tcp } from "./words.tcp.ts";

// Every word that the page shows is in these tables, English first, Chinese second, with the same {places}.
// The rules:
//
//   - Say what is, in plain words, in the present. No exclamation marks, no jokes, no blame, no "failed to".
//   - A status word is the teaching sample's own: people know it by sight.
//   - "Written" never sounds like success; nothing is called delivered.
//   - What went wrong ends with the next step.
export const shell = {
  "app": ["tincan", "传声筒"],
  "app.other": ["传声筒", "tincan"],
  "language": ["中文", "English"],
  "theme": ["Theme", "主题"],
  "theme.now": ["Theme: {theme}", "主题：{theme}"],
  "theme.system": ["as the system", "跟随系统"],
  "theme.light": ["light", "浅色"],
  "theme.dark": ["dark", "深色"],
  "close": ["Close", "关闭"],
  "cancel": ["Cancel", "取消"],
  "copy.this": ["Copy {what}", "复制 {what}"],
  "copied": ["Copied", "已复制"],
  "tab.open": ["Connections", "连接"],
  "tab.talk": ["Messages", "消息"],
  "tab.tcp": ["TCP", "TCP"],
  "tabs": ["Parts of the page", "页面部分"],

  "open": ["Open", "打开"],
  "listen": ["Listen", "监听"],
  "connect": ["Connect", "连接"],
  "connect.do": ["Connect", "连接服务器"],
  "listen.do": ["Start listening", "开始监听"],
  "listen.stop": ["Stop listening", "停止监听"],
  "listen.stop.on": ["Stop listening on {addr}", "停止监听 {addr}"],
  "address": ["Address", "地址"],
  "address.all": ["All interfaces", "所有网卡"],
  "address.loopback": ["This machine only (127.0.0.1)", "仅本机 (127.0.0.1)"],
  "port": ["Port", "端口"],
  "port.any": ["0 takes any free port", "0 表示任选空闲端口"],
  "server": ["Server", "服务器"],
  "server.example": ["name, IP or ticket", "名称、IP 地址或入场券"],
  "codec": ["Codec", "编码"],
  "more": ["More", "更多"],
  "options": ["Options", "选项"],
  "options.example": ["max=1MiB&encoding=gbk", "max=1MiB&encoding=gbk"],
  "options.why": ["as in an address, after the ?", "与地址中 ? 之后的写法相同"],
  "tls": ["Inside TLS", "使用 TLS"],
  "tls.listen": ["needs cert=FILE&key=FILE", "需要 cert=文件&key=文件"],
  "tls.connect": ["checked; ca=FILE trusts another authority, insecure nobody", "会验证；ca=文件 信任其他机构，insecure 不验证"],
  "shared": ["Shared room", "共享房间"],
  "shared.why": ["a word: everybody who connects sits in one conversation", "一个词：所有连接者在同一会话中"],

  "codec.auto": ["auto: by first bytes", "auto：看首批字节"],
  "codec.lines": ["lines: lines of text", "lines：文本行"],
  "codec.dotnet": ["dotnet: .NET strings", "dotnet：.NET 字符串"],
  "codec.raw": ["raw: as it arrives", "raw：到达的字节"],
  "codec.json": ["json: JSON values", "json：JSON 值"],
  "codec.len8": ["len8: 1-byte length", "len8：1 字节长度"],
  "codec.len16": ["len16: 2-byte length", "len16：2 字节长度"],
  "codec.len32": ["len32: 4-byte length", "len32：4 字节长度"],
  "codec.len64": ["len64: 8-byte length", "len64：8 字节长度"],
  "codec.varint": ["varint: protobuf", "varint：protobuf"],
  "codec.delim": ["delim: a delimiter", "delim：分隔符"],
  "codec.fixed": ["fixed: fixed size", "fixed：固定长度"],
  "codec.idle": ["idle: until a pause", "idle：以停顿分隔"],
  "codec.cobs": ["cobs: COBS packets", "cobs：COBS 数据包"],
  "codec.slip": ["slip: SLIP packets", "slip：SLIP 数据包"],

  "empty.place": ["Enter the server's IP address and port first", "请先输入服务器的IP地址和端口号"],
  "bad.port": ["A port is a number from 1 to 65535", "端口是 1 到 65535 之间的数字"],
  "bad.port.listen": ["A port is a number from 0 to 65535; 0 takes any free one", "端口是 0 到 65535 之间的数字；0 表示任选空闲端口"],
  "bad.ipv4": ["This is not an IPv4 address: it has four numbers from 0 to 255", "这不是 IPv4 地址：应为四个 0 到 255 的数字"],
  "bad.ipv6": ["This is not an IPv6 address: it looks like 2001:db8::7", "这不是 IPv6 地址：应类似 2001:db8::7"],
  "bad.name": ["This is not a host: use a name such as server.local, or an IP address", "这不是主机：请用名称（如 server.local）或 IP 地址"],

  "listeners": ["Listeners", "监听"],
  "listener.waits": ["waits for a connection", "等待连接"],
  "listener.links": ["{n} connected", "{n} 个已连接"],
  "listener.refused": ["{n} refused", "已拒绝 {n} 个"],
  "others.type": ["Others can type", "其他人可输入"],
  "others.more": ["{n} more", "另有 {n} 个"],

  "strip": ["Status", "状态"],
  "strip.history": ["History", "历史"],
  "strip.history.of": ["What happened here", "状态历史"],
  "step.ready": ["Ready", "就绪"],
  "step.listening": ["Listening", "正在监听"],
  "step.waiting": ["Waiting for a connection", "等待连接"],
  "step.accepted": ["Connection accepted", "接受到连接"],
  "step.stopped": ["Stopped listening", "停止监听"],
  "step.connecting": ["Connecting…", "正在连接…"],
  "step.connected": ["Connected", "连接成功"],
  "step.failed": ["Connection failed", "连接失败"],
  "step.sending": ["Sending…", "正在发送…"],
  "step.done": ["Done", "完毕"],
  "step.disconnected": ["Disconnected", "断开了连接"],
  "step.attempt": ["{addr}, attempt {n}", "{addr}，第 {n} 次"],
  "step.retry": ["tries again in {n} s", "{n} 秒后重试"],
  "step.kept": ["the message is kept here until the connection is back", "消息已保存，等待连接恢复"],
  "step.refused": ["refused {remote}: {why}", "拒绝了 {remote}：{why}"],
  "step.to": ["to {who}", "发给 {who}"],
  "who.many": ["{n} conversations", "{n} 个会话"],

  "lost": ["The connection to tincan is lost: it may not be running. Trying again…", "与 tincan 的连接已断开：它可能没有运行。正在重试…"],
  "lost.next": ["If it does not come back, start tincan again and open the address it prints.", "如果一直没有恢复，请重新启动 tincan 并打开它显示的地址。"],
  "lost.now": ["Try now", "立即重试"],
  "back": ["tincan is back; nothing was missed", "tincan 已恢复；没有遗漏"],
  "token": ["This page has no key to tincan.", "此页面没有 tincan 的密钥。"],
  "token.next": ["Open the address that tincan printed when it started; the key is its last part. `tincan` prints it again.", "请打开 tincan 启动时显示的地址，密钥在其末尾。再次运行 `tincan` 会重新显示。"],
  "trouble": ["Nothing more can be stored: {why}", "无法再保存：{why}"],
  "trouble.next": ["What is stored is safe. Free some space on the disk; tincan goes on by itself.", "已保存的内容是安全的。请腾出磁盘空间；tincan 会自动继续。"],
  "dismiss": ["Dismiss", "知道了"],
  "offline": ["tincan does not answer", "tincan 没有应答"],
  "offline.next": ["your text is kept here; send it again when the connection is back", "内容已保留；恢复连接后请重新发送"],
} as const satisfies Record<string, readonly [string, string]>;

const catalogue = { ...shell, ...chat, ...tcp, ...native };

// Word is a key of the catalogue.
export type Word = keyof typeof catalogue;
export type Language = "en" | "zh";

let column = 0;

export function language(): Language {
  return column ? "zh" : "en";
}

// speak chooses the language of everything from here on.
export function speak(l: Language): void {
  column = l === "zh" ? 1 : 0;
  document.documentElement.lang = l === "zh" ? "zh-Hans" : "en";
  document.title = t("app") + " " + t("app.other");
}

// t is a word in the page's language, with its {places} filled.
export function t(word: Word, places?: Record<string, string | number>): string {
  const s: string = catalogue[word][column]!;
  return places ? s.replace(/\{(\w+)\}/g, (all, name: string) => String(places[name] ?? all)) : s;
}

// tOr is a word whose key is made of what the API said, or what it said where the catalogue has none.
export function tOr(prefix: string, said: string): string {
  const key = prefix + said;
  return key in catalogue ? t(key as Word) : said;
}

export function has(key: string): key is Word {
  return key in catalogue;
}
