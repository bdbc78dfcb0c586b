package tui

import (
	"maps"
	"time"
)

// catalogueOfKeys are the words of talk between keys.
var catalogueOfKeys = map[string][2]string{
	"nameless":     {"no name", "未命名"},
	"asking":       {"%s asks to come in, key %s: /trust lets it in, /block does not", "%s 请求进入，密钥 %s：/trust 允许，/block 拒绝"},
	"asking.ours":  {"compare by voice; this node's key is %s", "请通过语音核对；本机密钥为 %s"},
	"asked":        {"the host is asked; read your fingerprint to them: %s", "正在询问主机；请把你的指纹读给对方：%s"},
	"asked.again":  {"asks again in %d s, ctrl+r now", "%d 秒后再次询问，ctrl+r 立即询问"},
	"key.differs":  {"ANOTHER KEY: it shows %s, somebody may be in between", "密钥已变：对方出示 %s，可能有人在中间"},
	"key.known":    {"the known key is %s; nothing is sent", "已知密钥为 %s；不发送任何内容"},
	"key.repair":   {"ask by voice; if it is right: /forget %s, then /dial a new ticket", "请通过语音询问；如正确：/forget %s，再 /dial 新入场券"},
	"waits.more":   {"%d more wait for the host", "另有 %d 条在等待主机"},
	"target.waits": {"%d wait for the host", "%d 条在等待主机"},
	"queued.for":   {"queued %s", "已存盘，等待 %s"},
	"queued.host":  {"kept here: it goes out by itself when the host is back", "已保存：主机恢复后自动发出"},
	"stored.host":  {"stored by the host", "主机已存盘"},
	"stored.one":   {"%s has it", "%s 已存盘"},
	"stored.all":   {"all %d have it", "%d 个成员均已存盘"},
	"stored.some":  {"%d of %d have it", "%d / %d 个成员已存盘"},
	"side.host":    {"%s (host)", "%s（主机）"},

	"gap":                      {"%d messages are not here, %d to %d: %s", "缺少 %d 条消息（%d 至 %d）：%s"},
	"gap.one":                  {"message %d is not here: %s", "缺少第 %d 条消息：%s"},
	"gap.trimmed":              {"the room keeps only newer ones", "房间只保留较新的消息"},
	"gap.not kept by the host": {"the host does not keep them any more", "主机已不再保留"},
	"gap.restored":             {"an older copy of this folder was restored", "恢复了旧的副本"},

	"ticket.title":   {"ticket (Esc closes; it is in the clipboard where the terminal allows that)", "入场券（Esc 关闭；终端允许时已复制到剪贴板）"},
	"ticket.why":     {"lets in one key until %s, and is as secret as a password. The guest runs tincan dial with it in quotes, or pastes it under Connect", "在 %s 之前可让一把密钥进入，与密码一样需保密。客人加引号交给 tincan dial，或在“连接”中粘贴"},
	"code.title":     {"pairing code (Esc closes)", "配对码（Esc 关闭）"},
	"code.why":       {"good for one guest until %s, three tries: tincan dial HOST:PORT --code %s", "在 %s 之前供一位客人使用，可试三次：tincan dial 主机:端口 --code %s"},
	"peers.title":    {"peers (Esc closes)", "对方（Esc 关闭）"},
	"peers.ours":     {"this node's key: %s", "本机密钥：%s"},
	"peers.none":     {"no key was met yet: /ticket lets somebody in", "还没有遇到任何密钥：/ticket 可让他人进入"},
	"peers.here":     {"here now", "在线"},
	"peers.last":     {"last here %s", "上次在线 %s"},
	"peer.none":      {"no peer like %s: /peers lists them", "没有类似 %s 的对方：/peers 查看全部"},
	"peer.many":      {"%d peers are like %s: say more of the fingerprint", "有 %d 个对方类似 %s：请写出更多指纹"},
	"peer.trusted":   {"%s is trusted", "已信任 %s"},
	"peer.blocked":   {"%s is blocked", "已屏蔽 %s"},
	"peer.named":     {"%s is called %s", "%s 的名称为 %s"},
	"peer.forgotten": {"%s is forgotten", "已忘记 %s"},
	"ask.forget":     {"forget %s? It needs a new ticket to come back", "忘记 %s？再次进入需要新的入场券"},
	"paired":         {"%s is trusted: %s", "已信任 %s：%s"},
	"state.trusted":  {"trusted", "已信任"},
	"state.blocked":  {"blocked", "已屏蔽"},
	"state.asking":   {"asks to come in", "请求进入"},
	"state.seen":     {"seen", "见过"},
	"via.ticket":     {"came with a ticket", "凭入场券"},
	"via.code":       {"paired with a code", "凭配对码"},
	"via.asked":      {"asked and was accepted", "询问后接受"},
	"via.open":       {"came through an open listener", "经开放监听进入"},
	"via.first use":  {"its key was taken the first time", "首次连接时接受其密钥"},
	"via.by hand":    {"trusted by hand", "手动信任"},

	"reason.bye":                {"ended with a goodbye", "道别后结束"},
	"reason.shutting down":      {"tincan shut down at one end", "一端的 tincan 已停止"},
	"reason.idle":               {"closed because nothing was said", "因空闲而关闭"},
	"reason.over a limit":       {"over a limit", "超过上限"},
	"reason.storage":            {"one side cannot store any more", "一方无法再存盘"},
	"reason.greeting timed out": {"the greeting took too long", "问候超时"},
	"reason.fork":               {"the two journals differ; they are joined anew", "双方日志不一致，正在重新衔接"},
	"reason.unsupported":        {"the two speak different versions", "双方版本不同"},
	"reason.gap":                {"the order of messages was broken", "消息顺序中断"},
	"reason.ack beyond sent":    {"what was never sent was confirmed", "确认了从未发送的内容"},
	"reason.unknown key":        {"the host does not know this key", "主机不认识这把密钥"},
	"reason.key differs":        {"the host shows another key than before", "主机出示的密钥与以前不同"},
	"reason.blocked":            {"the key is blocked", "密钥已被屏蔽"},
	"reason.pairing failed":     {"the pairing code was not right", "配对码不正确"},
	"hint.unknown key":          {"ask for a ticket or a code, and /dial with it", "请对方给入场券或配对码，再用 /dial 连接"},
	"hint.unsupported":          {"use the same version of tincan at both ends", "两端请用同一版本的 tincan"},
	"hint.blocked":              {"the operator of the host can trust this key again", "主机方可以重新信任此密钥"},
	"hint.pairing failed":       {"ask for a new code", "请对方给新的配对码"},
	"hint.replaced":             {"if another program uses the same key, end it or give it its own folder", "如果另一个程序在用同一把密钥，请结束它或给它单独的文件夹"},
	"hint.storage":              {"what waits here goes when it can", "等待的消息之后会发出"},
	"redial.why":                {"%s; not dialled again: ctrl+r connects", "%s；不再自动连接：ctrl+r 重新连接"},

	"help.ticket": {"make a ticket that lets somebody in", "生成入场券，让他人进入"},
	"help.code":   {"make a pairing code to say aloud", "生成可口头告知的配对码"},
	"help.peers":  {"the keys that were met", "遇到过的密钥"},
	"help.trust":  {"let in who asks, or a peer", "允许请求者或某个对方"},
	"help.block":  {"refuse who asks, or block a peer", "拒绝请求者或屏蔽某个对方"},
	"help.name":   {"give a peer a name", "给对方命名"},
	"help.forget": {"forget a peer (asks)", "忘记对方（会询问）"},
	"help.stored": {"stored: on the peer's disk", "对方已存盘：在对方磁盘上"},
	"span.days":   {"%d d", "%d 天"},
	"span.whole":  {"%d min", "%d 分钟"},
	"span.hour":   {"%d h", "%d 小时"},
}

func init() { maps.Copy(catalogue, catalogueOfKeys) }

// rough is a length of time in its largest unit alone.
func (w words) rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return w.t("span.seconds", int(max(d, 0).Seconds()))
	case d < time.Hour:
		return w.t("span.whole", int(d.Minutes()))
	case d < 24*time.Hour:
		return w.t("span.hour", int(d.Hours()))
	}
	return w.t("span.days", int(d.Hours()/24))
}
