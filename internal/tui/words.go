package tui

import (
	"fmt"
	"time"
)

// Every word that the screen shows is in this table. Its rules:
//
//   - Say what is, in plain words, in the present. No exclamation marks, no jokes, no "please", no "failed to".
//   - A status word is the sample's own. Others may be longer, a status word never: people know them by sight.
//   - Only what the peer's TCP has confirmed is called done. "Written" never sounds like success.
//   - What went wrong ends with the next step: a key to press, a thing to check.
//   - Lower case at the start and no full stop at the end, except where two sentences follow each other.
//
// English first, Chinese second, with the same verbs in the same order.
var catalogue = map[string][2]string{
	"step.listening":    {"listening", "正在监听"},
	"step.waiting":      {"waiting for a connection", "等待连接"},
	"step.accepted":     {"connection accepted", "接受到连接"},
	"step.stopped":      {"stopped listening", "停止监听"},
	"step.ready":        {"ready", "就绪"},
	"step.connecting":   {"connecting…", "正在连接…"},
	"step.connected":    {"connected", "连接成功"},
	"step.failed":       {"could not connect", "连接失败"},
	"step.sending":      {"sending…", "正在发送…"},
	"step.done":         {"done", "完毕"},
	"step.disconnected": {"disconnected", "断开了连接"},
	"links":             {"%d links", "%d 个连接"},

	"phase.connecting":    {"connecting", "正在连接"},
	"phase.established":   {"established", "已建立"},
	"phase.peer finished": {"peer finished", "对方已结束发送"},
	"phase.closing":       {"closing", "正在关闭"},
	"phase.closed":        {"closed", "已关闭"},

	"codec.how":        {"%s (%s)", "%s（%s）"},
	"choice.address":   {"by address", "地址指定"},
	"choice.detected":  {"detected", "自动识别"},
	"choice.assumed":   {"assumed", "暂定"},
	"choice.by hand":   {"by hand", "手动"},
	"choice.undecided": {"undecided", "未定"},
	"half":             {"%d of %d bytes", "已到 %d / %d 字节"},
	"half.open":        {"%d bytes of a message", "已到 %d 字节（未完）"},
	"sendq":            {"send queue %s", "发送队列 %s"},
	"recvq":            {"receive queue %s", "接收队列 %s"},
	"retrans":          {"retransmissions %s", "重传 %s"},
	"queues":           {"queues %d↑ %d↓", "队列 %d↑ %d↓"},
	"retrans.short":    {"retr %s", "重传 %s"},
	"silence.short":    {"idle %ds", "静默 %d秒"},
	"silence":          {"silent %s", "静默 %s"},
	"window":           {"window %s", "窗口 %s"},
	"handshake":        {"handshake %s", "握手 %s"},
	"others.dial":      {"others dial %s", "其他人可连接 %s"},
	"here.dial":        {"this machine only: %s", "仅限本机：%s"},
	"no.link":          {"no connection", "没有连接"},
	"span.seconds":     {"%d s", "%d 秒"},
	"span.tenths":      {"%.1f s", "%.1f 秒"},
	"span.minutes":     {"%d min %d s", "%d 分 %d 秒"},
	"span.hours":       {"%d h %d min", "%d 小时 %d 分"},

	"me":   {"me", "我"},
	"peer": {"peer", "对方"},

	"receipt.queued":    {"queued", "已存盘"},
	"receipt.written":   {"written, not confirmed", "已交给内核"},
	"receipt.reached":   {"reached", "对方TCP已确认"},
	"receipt.stored":    {"stored", "对方已存盘"},
	"receipt.uncertain": {"may not have arrived", "可能未到达"},
	"receipt.discarded": {"discarded", "已丢弃"},
	"msg.empty":         {"empty", "空"},
	"msg.more":          {"%d bytes more; /save FILE keeps all", "还有 %d 字节；/save 文件 可全部保存"},
	"msg.partial":       {"cut short: the stream ended", "不完整：数据流已结束"},

	"div.accepted":  {"%s connected to us, %s", "%s 连接进来，%s"},
	"div.dialled":   {"connected to %s, %s", "连接到 %s，%s"},
	"div.handshake": {", handshake %s", "，握手 %s"},
	"div.finished":  {"%s finished sending (FIN)", "%s 已结束发送（FIN）"},
	"div.codec":     {"codec: %s (%s)", "编码：%s（%s）"},
	"div.ended":     {"%s: %s", "%s：%s"},
	"div.lasted":    {", after %s", "，历时 %s"},
	"div.bytes":     {"; in %d (%s), out %d (%s)", "；收 %d 条（%s），发 %d 条（%s）"},

	"reason.peer closed":           {"the peer closed the connection (FIN)", "对方关闭了连接（FIN）"},
	"reason.reset by peer":         {"the peer reset the connection (RST)", "对方重置了连接（RST）"},
	"reason.timed out":             {"no answer in time", "超时，没有应答"},
	"reason.closed here":           {"closed here (FIN)", "本方关闭了连接（FIN）"},
	"reason.aborted here":          {"aborted here (RST)", "本方中止了连接（RST）"},
	"reason.malformed":             {"closed here: what the peer sent breaks the codec's rules", "本方关闭：对方发来的内容不符合编码规则"},
	"reason.too large":             {"closed here: the peer's message is too large", "本方关闭：对方的消息太大"},
	"reason.crowded out":           {"closed here: its unfinished message held memory that others need", "本方关闭：未完的消息占用了其他人需要的内存"},
	"reason.not reading":           {"closed here: the peer's program does not read", "本方关闭：对方的程序不读取数据"},
	"reason.unreachable":           {"the network has no way there", "网络不可达"},
	"reason.tls failed":            {"TLS failed", "TLS 失败"},
	"reason.network error":         {"network error", "网络错误"},
	"reason.replaced":              {"replaced by a newer link", "被新的连接取代"},
	"reason.tincan stopped":        {"tincan stopped", "tincan 已停止"},
	"reason.refused":               {"connection refused", "对方拒绝连接"},
	"reason.name not found":        {"no address found for the name", "找不到这个名称的地址"},
	"reason.certificate":           {"the certificate is not accepted", "证书不被接受"},
	"reason.not TLS":               {"the peer does not speak TLS", "对方不使用 TLS"},
	"reason.canceled":              {"dialling was stopped", "已停止连接"},
	"reason.address in use":        {"no free local port", "没有空闲的本地端口"},
	"reason.permission":            {"the system does not permit it", "系统不允许"},
	"reason.address not available": {"the address is not of this machine", "不是本机地址"},
	"hint.refused":                 {"nothing listens there: start the server, or check the port", "那里没有程序在监听：启动服务器，或检查端口"},
	"hint.timed out":               {"check the address; a firewall may drop the packets", "检查地址；也可能被防火墙丢弃"},
	"hint.unreachable":             {"check the network and the address", "检查网络和地址"},
	"hint.name not found":          {"check the spelling, or use the IP address", "检查拼写，或改用 IP 地址"},
	"hint.certificate":             {"name its authority with ?ca=FILE, or dial the name it is for", "用 ?ca=文件 指定签发机构，或用证书上的名称连接"},
	"hint.not TLS":                 {"leave tls+ out of the address", "去掉地址中的 tls+"},
	"hint.encoding":                {"this may be text in %[1]s: /encoding %[1]s", "这可能是 %[1]s 文字：/encoding %[1]s"},

	"trouble":            {"nothing more can be stored: %s", "无法再保存：%s"},
	"held.both":          {"%d not sent, %d may have arrived: ctrl+s send now, ctrl+x discard", "%d 条未发出，%d 条可能已到达：ctrl+s 现在发送，ctrl+x 丢弃"},
	"held.queued":        {"%d not sent: ctrl+s send now, ctrl+x discard", "%d 条未发出：ctrl+s 现在发送，ctrl+x 丢弃"},
	"held.uncertain":     {"%d may have arrived: ctrl+s send again, ctrl+x discard", "%d 条可能已到达：ctrl+s 再次发送，ctrl+x 丢弃"},
	"held.none":          {"nothing waits for a decision", "没有等待处理的消息"},
	"held.sent":          {"%d handed to the connection", "%d 条已交给连接"},
	"held.discarded":     {"%d discarded", "已丢弃 %d 条"},
	"redial.in":          {"%s; attempt %[3]d in %[2]d s, ctrl+r now", "%s；%d 秒后第 %d 次连接，ctrl+r 立即连接"},
	"redial.now":         {"%s; dialling again", "%s；正在重新连接"},
	"redial.stopped":     {"not dialled again: ctrl+r connects", "不再自动连接：ctrl+r 重新连接"},
	"paused":             {"reading is paused%s: ctrl+o reads one, ctrl+p goes on", "已暂停读取%s：ctrl+o 读一条，ctrl+p 继续"},
	"paused.queue":       {", %s wait in the kernel", "，内核中有 %s 未读"},
	"finished":           {"the peer sends no more (FIN), it may still read", "对方不再发送（FIN），可能仍在接收"},
	"refused":            {"refused a connection from %s: %s", "拒绝了来自 %s 的连接：%s"},
	"now.talking":        {"now talking to %s", "现在的对方是 %s"},
	"error.hint":         {"%s: %s", "%s：%s"},
	"welcome.ready":      {"nothing is open. /dial ADDR connects, /listen ADDR waits for others", "尚未打开连接。/dial 地址 进行连接，/listen 地址 等待别人连接"},
	"welcome.talk":       {"connected. Type and press Enter; F1 shows the keys", "已连接。输入文字后按 Enter 发送；F1 查看按键"},
	"welcome.dial":       {"nothing was said yet. What you type now is kept, and sent when the connection is there", "还没有消息。现在输入的内容会保存，连接成功后发送"},
	"welcome.listen":     {"waiting for somebody to connect. Others can dial", "等待别人连接。其他人可以连接"},
	"welcome.here":       {"waiting for a program on this machine to connect (tincan listen :%s lets others in too). It can dial", "等待本机的程序连接（tincan listen :%s 也允许其他机器）。本机可以连接"},
	"rooms":              {"rooms %d", "房间 %d"},
	"unread":             {"%d unread", "%d 条未读"},
	"target.none":        {"nobody is connected", "没有人连接"},
	"target.room":        {"to %s", "发给 %s"},
	"target.gone":        {"to %s (not connected)", "发给 %s（未连接）"},
	"target.shared":      {"to %s, %d here", "发给 %s，在场 %d 个连接"},
	"target.all":         {"TO ALL %d ROOMS", "发给全部 %d 个房间"},
	"target.below":       {"%d new below, End", "下面有 %d 条新消息，End"},
	"target.more":        {"more below, End", "下面还有，End"},
	"ask.keys":           {" (y/n)", "（y/n）"},
	"ask.disconnect":     {"disconnect %s?", "断开 %s？"},
	"ask.hangup":         {"stop dialling %s?", "停止连接 %s？"},
	"ask.quit.both":      {"%d not sent, %d may have arrived; they are kept. Quit?", "%d 条未发出，%d 条可能已到达；消息会保留。退出？"},
	"ask.quit.queued":    {"%d not sent; kept for later. Quit?", "%d 条未发出；消息会保留。退出？"},
	"ask.quit.uncertain": {"%d may have arrived; kept for later. Quit?", "%d 条可能已到达；消息会保留。退出？"},
	"hints":              {"Enter send · F1 help · tab room · F2 all · F3 hex · ctrl+p pause · ctrl+e codec · ctrl+d disconnect · ctrl+c quit", "Enter 发送 · F1 帮助 · tab 房间 · F2 全部 · F3 十六进制 · ctrl+p 暂停 · ctrl+e 编码 · ctrl+d 断开 · ctrl+c 退出"},
	"hints.short":        {"Enter send · F1 help · ctrl+c quit", "Enter 发送 · F1 帮助 · ctrl+c 退出"},
	"no.room":            {"no room is open", "没有打开的房间"},
	"no.peer":            {"nobody to send to: wait for a connection, or /dial ADDR", "没有发送对象：等待连接，或 /dial 地址"},
	"is.connected":       {"this address is connected", "这个地址已连接"},
	"pause.first":        {"reading is not paused: ctrl+p pauses it", "没有暂停读取：ctrl+p 暂停"},
	"queued.here":        {"kept here, not sent: you decide when the connection is back", "已保存，未发送：恢复连接后由你决定"},
	"queued.first":       {"kept here: it is sent when the connection is there", "已保存：连接成功后发送"},
	"paste.long":         {"too long for the box (%d characters): send a file with `tincan send`", "内容太长（上限 %d 个字符）：用 `tincan send` 发送文件"},
	"codec.set":          {"codec is %s; what was received was decoded again", "编码为 %s；已收到的内容已重新解码"},
	"encoding.set":       {"text is read as %s", "文字按 %s 读取"},
	"hex.bad":            {"%s is not hex: write /hex 0D 0A", "%s 不是十六进制：写法 /hex 0D 0A"},
	"stop.none":          {"nothing is listening", "没有在监听"},
	"saved":              {"%d messages saved in %s", "%d 条消息已保存到 %s"},
	"slash.needs":        {"/%s needs %s", "/%s 需要 %s"},
	"slash.unknown":      {"no command /%s: /help lists them, and // sends a line that begins with /", "没有命令 /%s：/help 查看全部；以 // 开头可发送 / 开头的内容"},
	"to.none":            {"no room like %s", "没有类似 %s 的房间"},
	"to.many":            {"%d rooms are like %s: say more of the name", "有 %d 个房间类似 %s：请写得更完整"},

	"help.title":      {"help (Esc closes)", "帮助（Esc 关闭）"},
	"help.enter":      {"send", "发送"},
	"help.newline":    {"new line", "换行"},
	"help.recall":     {"bring back what was sent", "找回发送过的内容"},
	"help.tab":        {"next, previous room", "下一个、上一个房间"},
	"help.all":        {"send to every connected room, on or off", "发给所有已连接的房间，开或关"},
	"help.hex":        {"show bytes instead of text, on or off", "显示字节或文字"},
	"help.scroll":     {"scroll; the mouse wheel does too (shift and drag selects text)", "滚动；鼠标滚轮也可以（按住 shift 拖动可选择文字）"},
	"help.pause":      {"pause or resume reading: the peer sees the window close", "暂停或继续读取：对方会看到窗口关闭"},
	"help.pause1":     {"pause reading", "暂停读取"},
	"help.resume":     {"resume reading", "继续读取"},
	"help.one":        {"read one message while paused", "暂停时读取一条消息"},
	"help.codec":      {"choose the codec; what was received is decoded again", "选择编码；已收到的内容会重新解码"},
	"help.encoding":   {"read and write text as GBK, Big5, Shift-JIS …", "按 GBK、Big5、Shift-JIS … 读写文字"},
	"help.link":       {"next link of a shared room", "共享房间的下一个连接"},
	"help.disconnect": {"disconnect (asks)", "断开连接（会询问）"},
	"help.redial":     {"connect again now", "立即重新连接"},
	"help.send":       {"send what waits for a decision", "发送等待处理的消息"},
	"help.discard":    {"discard what waits for a decision", "丢弃等待处理的消息"},
	"help.help":       {"this help", "本帮助"},
	"help.suspend":    {"suspend, back to the shell", "挂起，回到命令行"},
	"help.quit":       {"quit (asks if something was not sent)", "退出（有未发出的消息时会询问）"},
	"help.to":         {"write to all, or to a room", "发给全部，或某个房间"},
	"help.sendhex":    {"send bytes", "发送字节"},
	"help.dial":       {"connect to an address", "连接一个地址"},
	"help.listen":     {"listen on an address", "监听一个地址"},
	"help.stop":       {"stop listening; connections stay", "停止监听；连接保留"},
	"help.save":       {"write the room's messages to a new file (.jsonl: as JSON)", "把房间的消息写入新文件（.jsonl：JSON 格式）"},
	"help.slashes":    {"send a line that begins with /", "发送以 / 开头的内容"},
	"help.queued":     {"queued: on this disk, not sent", "已存盘：在本机磁盘上，未发出"},
	"help.written":    {"written: handed to the kernel, not confirmed", "已交给内核：对方的 TCP 尚未确认"},
	"help.reached":    {"reached: the peer's TCP has all of it", "对方TCP已确认：已全部收到"},
	"help.uncertain":  {"may not have arrived: the connection ended first", "可能未到达：连接先断开了"},
	"help.discarded":  {"discarded by you", "已由你丢弃"},

	"codecs.title": {"codec of this link (Enter chooses, Esc closes)", "这个连接的编码（Enter 选择，Esc 关闭）"},
	"codec.lines":  {"lines of text", "文本行"},
	"codec.dotnet": {".NET BinaryWriter strings", ".NET BinaryWriter 字符串"},
	"codec.raw":    {"bytes as they arrive", "到达的原始字节"},
	"codec.json":   {"a stream of JSON values", "JSON 值的流"},
	"codec.len8":   {"1 byte of length", "1 字节长度"},
	"codec.len16":  {"2 bytes of length", "2 字节长度"},
	"codec.len32":  {"4 bytes of length", "4 字节长度"},
	"codec.len64":  {"8 bytes of length", "8 字节长度"},
	"codec.varint": {"protobuf, length-delimited", "protobuf 长度前缀"},
	"codec.cobs":   {"COBS", "COBS"},
	"codec.slip":   {"SLIP", "SLIP"},
	"codec.delim":  {"a delimiter of your own", "自定分隔符"},
	"codec.idle":   {"a pause of 50 ms ends a message", "停顿 50 毫秒即为一条消息"},
}

// words is a language: a column of the catalogue.
type words int

func wordsOf(lang string) words {
	if lang == "zh" {
		return 1
	}
	return 0
}

// t is a word in this language; a key that the catalogue lacks stands for itself.
func (w words) t(key string, args ...any) string {
	e, ok := catalogue[key]
	switch {
	case !ok:
		return key
	case len(args) == 0:
		return e[w]
	}
	return fmt.Sprintf(e[w], args...)
}

// or is a word whose key is made from what a Talker said, or that itself where the catalogue lacks it.
func (w words) or(prefix, said string) string {
	if e, ok := catalogue[prefix+said]; ok {
		return e[w]
	}
	return Clean(said)
}

func (w words) choice(c string) string { return w.or("choice.", c) }
func (w words) reason(r string) string { return w.or("reason.", r) }

// hint is the next step after an attempt that ended for a reason; "" where there is none to say.
func (w words) hint(reason string) string { return catalogue["hint."+reason][w] }

// span is a length of time, to two digits or so.
func (w words) span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return w.t("span.tenths", max(d, 0).Seconds())
	case d < time.Minute:
		return w.t("span.seconds", int(d.Seconds()))
	case d < time.Hour:
		return w.t("span.minutes", int(d.Minutes()), int(d.Seconds())%60)
	}
	return w.t("span.hours", int(d.Hours()), int(d.Minutes())%60)
}
