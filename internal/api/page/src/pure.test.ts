import assert from "node:assert/strict";
import { test } from "node:test";
import { address, checkHost, checkPort, dialled, invited, isNative, label, split } from "./address.ts";
import { encode } from "./encode.ts";
import { pieces } from "./format.ts";
import { Heights } from "./heights.ts";
import { dump, fromBase64, parseHex, plainHex } from "./hex.ts";
import { type Ask, Log, page, whole } from "./log.ts";
import { meet } from "./names.ts";
import { addStep, apply, newState, wait, type Wishes } from "./store.ts";
import { steps } from "./steps.ts";
import type { Message, ReceiptRange } from "./types.ts";

test("hex as a person types it", () => {
  for (const [typed, digits] of [
    ["48656c6c6f", "48656c6c6f"], ["48 65,6C\n6c:6f", "48656C6c6f"], ["0x48, 0x65", "4865"], ["\\x48\\x65", "4865"],
    ["", ""], ["  ", ""], ["0x4865", "4865"], ["00 0x00", "0000"],
  ]) assert.deepEqual(parseHex(typed!), { bytes: digits!.length / 2, digits }, typed);
  for (const [typed, at] of [["4", 1], ["48 6", 4], ["486", 3], ["48 zz", 4], ["0x", 1], ["48 0x", 4], ["4g", 1], ["48 \u{1f600}", 4], ["0x4 8", 3]]) {
    assert.match(parseHex(typed as string).error ?? "", new RegExp(`position ${at}\\b`), typed as string);
  }
});

test("bytes on screen", () => {
  assert.equal(dump(new Uint8Array()), "");
  assert.equal(dump(Uint8Array.of(0x41, 0x00, 0xff)), "0000  41 00 ff  A··");
  assert.equal(dump(new Uint8Array(17)).split("\n").length, 2);
  assert.equal(plainHex(fromBase64("AP9B")), "00 ff 41");
});

test("addresses", () => {
  const place = { host: "::1", port: "7000", codec: "lines", tls: true, options: "?eol=crlf", room: "/lobby" };
  assert.equal(address(place), "tls+lines://[::1]:7000/lobby?eol=crlf");
  assert.equal(dialled("len32?max=16MiB", "::1", "7"), "len32://[::1]:7?max=16MiB");
  assert.equal(dialled("auto", "h", "7"), "lines://h:7");
  assert.deepEqual(split("dotnet://server:7000?max=2MiB"), { host: "server", port: "7000", codec: "dotnet", tls: false, options: "max=2MiB" });
  assert.deepEqual(split(" [fe80::1]:80 "), { host: "fe80::1", port: "80" });
  assert.deepEqual(split("tcp://server:7000"), { host: "server", port: "7000" });
  assert.equal(split("server"), undefined);
  assert.deepEqual(split("１２７。0。0。1：7000"), { host: "127.0.0.1", port: "7000" });
  assert.equal(address({ ...place, host: "127。0。0。1", port: "７０００" }), "tls+lines://127.0.0.1:7000/lobby?eol=crlf");
  assert.deepEqual(["127。0。0。1", "https://example.com", "1::2::3"].map(checkHost), [undefined, "bad.name", "bad.ipv6"]);
  assert.equal(checkPort("７０００", 1), undefined);
  for (const host of ["127.0.0.1", "localhost", "server.local", "::1", "[::1]", "2001:db8::7", "::ffff:1.2.3.4", "例子.测试", "a_b", "x."]) assert.equal(checkHost(host), undefined, host);
  for (const host of ["999.1.1.1", "1.2.3", "1::2::3", ":::", "1:2:3:4:5:6:7:8:9", "two words", "<script>", "a..b", "http://x", "12345::"]) assert.notEqual(checkHost(host), undefined, host);
  for (const [port, least, good] of [["0", 0, true], ["0", 1, false], ["65535", 1, true], ["65536", 1, false], ["-1", 0, false], ["7e3", 1, false], ["", 1, false]] as const) {
    assert.equal(checkPort(port, least) === undefined, good, port);
  }
  assert.deepEqual(["tcp:1.2.3.4:5", "lines://h:1?eol=cr", "tls+lines://h:1", "lobby"].map(label), ["1.2.3.4:5", "h:1", "h:1", "lobby"]);
});

test("what would steer the page is a sign", () => {
  const shown = (s: string) => pieces(s).map((p) => (p.sign ? `[${p.text}]` : p.text)).join("");
  assert.equal(shown("a\x1b[31mb"), "a[ESC][31mb");
  assert.equal(shown("x\u202ey\u2066\u200fz"), "x[U+202E]y[U+2066][U+200F]z");
  assert.equal(shown("a\r\nb\tc\rd"), "a\r\nb\tc[CR]d");
  assert.equal(shown("end\n"), "end\n[LF]");
  assert.equal(shown("\u{e0041}\ufeff\x7f\x00"), "[U+E0041][U+FEFF][DEL][NUL]");
  assert.equal(shown("👩‍👩‍👧 你好 é"), "👩‍👩‍👧 你好 é");
});

test("bytes of a text", () => {
  const hex = (s: string, e: string) => { const b = encode(s, e); return b && plainHex(b); };
  assert.equal(hex("你好", ""), "e4 bd a0 e5 a5 bd");
  assert.equal(hex("你好a", "gbk"), "c4 e3 ba c3 61");
  assert.equal(hex("€", "gbk"), "80");
  assert.equal(hex("€", "gb18030"), "a2 e3");
  assert.equal(hex("😀", "gb18030"), "94 39 fc 36");
  assert.equal(hex("中", "big5"), "a4 a4");
  assert.equal(hex("ｱ日", "shift-jis"), "b1 93 fa");
  assert.equal(hex("é", "latin-1"), "e9");
  assert.equal(hex("a你", "utf-16le"), "61 00 60 4f");
  assert.equal(hex("😀", "gbk"), undefined);
  assert.equal(whole("a\ud83d"), "a");
});

test("heights add up", () => {
  const h = new Heights(10);
  const known = new Map<number, number>();
  const of = (row: number) => known.get(row) ?? 10;
  for (const [row, height] of [[3, 25], [64, 40], [65, 5], [200, 100]] as const) {
    assert.equal(h.set(row, height), true);
    assert.equal(h.set(row, height), false);
    known.set(row, height);
  }
  for (const [from, to] of [[1, 300], [3, 4], [64, 128], [10, 10], [65, 201]] as const) {
    let want = 0;
    for (let r = from; r < to; r++) want += of(r);
    assert.equal(h.between(from, to), want, `${from} to ${to}`);
  }
  assert.deepEqual(h.at(0, 1, 300), { row: 1, into: 0 });
  assert.deepEqual(h.at(h.between(1, 200) + 50, 1, 300), { row: 200, into: 50 });
  assert.equal(h.at(1e9, 1, 300).row, 300);
  assert.equal(h.set(5, 0), false);
});

const message = (offset: number, more: Partial<Message> = {}): Message =>
  ({ room: "r", offset, id: String(offset), from: "me", time: "2026-01-01T00:00:00Z", text: `m${offset}`, ...more });

function asker(last: number) {
  const asked: [number, number][] = [];
  let receipts: ReceiptRange[] = [];
  const ask: Ask = {
    history: async (_, after, limit) => {
      asked.push([after, limit]);
      const n = Math.min(limit, 50, last - after); // less than was asked for, as with large bodies
      return Array.from({ length: n }, (_, i) => message(after + 1 + i));
    },
    receipts: async () => receipts,
  };
  return { ask, asked, set: (r: ReceiptRange[]) => { receipts = r; } };
}

const settled = () => new Promise((go) => setTimeout(go, 5));

test("a log reads the pages that are looked at, once", async () => {
  const a = asker(1000);
  const log = new Log("r", a.ask, () => {});
  log.reach(1000, true);
  log.want(300, 320);
  log.want(300, 320);
  await settled();
  assert.equal(log.row(300)?.m.text, "m300");
  assert.equal(log.row(257)?.m.text, "m257");
  assert.equal(log.row(100), undefined);
  const n = a.asked.length;
  log.want(257, 384);
  await settled();
  assert.equal(a.asked.length, n);
});

test("a receipt that comes while the page is read is not undone by it", async () => {
  const a = asker(10);
  const log = new Log("r", a.ask, () => {});
  log.reach(10, true);
  log.put(message(3));
  log.want(1, 10);
  a.set([{ first: 1, last: 10, peer: "p", state: "queued" }]);
  log.got(3, "p", "reached");
  await settled();
  assert.equal(log.row(3)?.receipts.get("p")?.state, "reached");
  assert.equal(log.row(4)?.receipts.get("p")?.state, "queued");
});

test("a log keeps little of a long message and few of many", () => {
  const log = new Log("r", asker(0).ask, () => {});
  log.put(message(1, { text: "x".repeat(1 << 20) }));
  assert.equal(log.row(1)?.long, 1 << 20);
  assert.ok(log.row(1)!.m.text!.length <= 16_384);
  log.put(message(2, { text: undefined, base64: "/".repeat((1 << 20) - 2) + "==" } as object));
  assert.equal(log.row(2)?.long, (1 << 20) / 4 * 3 - 2);
  for (let o = 1; o <= 200 * page; o++) {
    log.reach(o, true);
    log.put(message(o));
  }
  let held = 0;
  for (let o = 1; o <= 200 * page; o++) if (log.row(o)) held++;
  assert.ok(held <= 66 * page, `${held} are held`);
  assert.ok(log.row(200 * page), "the newest is held");
});

test("a message that was on its way while the encoding was changed is read again", () => {
  const s = newState();
  s.room = "r";
  s.log = new Log("r", asker(0).ask, () => {});
  s.status = { rooms: [{ name: "r", encoding: "gbk" }] } as unknown as NonNullable<typeof s.status>;
  for (const [encoding, again] of [[undefined, true], ["gbk", undefined], ["big5", true]] as const) {
    const w: Wishes = {};
    apply(s, { event: "message", ...message(1, { room: "r", ...(encoding && { encoding }) }) } as object, w);
    assert.equal(w.reset, again, encoding);
  }
});

test("what happens becomes the sample's words", () => {
  const words = (e: object) => steps(e).map((s) => s.word);
  assert.deepEqual(words({ event: "listening", addr: "a" }), ["step.listening", "step.waiting"]);
  assert.deepEqual(words({ event: "stopped", addr: "a" }), ["step.stopped", "step.ready"]);
  assert.deepEqual(words({ event: "connecting", addr: "a", attempt: 1 }), ["step.connecting"]);
  assert.deepEqual(words({ event: "connected", listener: "t1", peer: "tcp:a" }), ["step.accepted"]);
  assert.deepEqual(words({ event: "connected", peer: "tcp:a" }), ["step.connected"]);
  assert.deepEqual(words({ event: "disconnected", reason: "refused" }), ["step.failed", "step.ready"]);
  assert.equal(steps({ event: "disconnected", addr: "h:1", reason: "refused", retry_in_ms: 2000 })[1]!.detail(), "h:1: tries again in 2 s");
  assert.deepEqual(words({ event: "disconnected", link: 1, reason: "peer closed" }), ["step.disconnected"]);
  assert.deepEqual(words({ event: "message" }), []);
});

test("done is said when the kernel has it, and once for all who get it", () => {
  const s = newState();
  const going = { key: "k", who: "2 conversations", all: 2, far: new Map() };
  s.sending.set("a", going).set("b", going);
  addStep(s, { ...s.steps[0]!, word: "step.sending" });
  const w: Wishes = {};
  const got = (id: string, state: string) => apply(s, { event: "receipt", room: "r", id, offset: 1, peer: "p", state } as object, w);
  got("a", "queued");
  assert.equal(s.steps.at(-1)!.word, "step.sending");
  got("a", "written");
  got("b", "reached");
  got("a", "reached");
  got("z", "reached"); // somebody else's
  assert.deepEqual(s.steps.map((x) => x.word), ["step.ready", "step.sending", "step.done"]);
  assert.match(s.steps.at(-1)!.detail(), /reached 2\/2/);
  assert.equal(s.sending.size, 0);
});

test("events say what has to be read again", () => {
  const s = newState();
  s.room = "r";
  const w: Wishes = {};
  apply(s, { event: "codec", room: "r", link: 1, codec: "raw", choice: "by hand" }, w);
  apply(s, { event: "disconnected", room: "r", link: 1, reason: "peer closed", retry_in_ms: 500 }, w);
  assert.equal(w.reset, true);
  assert.equal(w.status, true);
  assert.deepEqual([...w.ends!], ["r"]);
  assert.equal(s.retries.get("r")!.reason, "peer closed");
  apply(s, { event: "connected", room: "r", link: 2, peer: "p" }, w);
  assert.equal(s.retries.size, 0);
  apply(s, { room: "other", event: "message", offset: 1, from: "p" }, w);
  assert.equal(s.unread.get("other"), 1);
});

const key = "tc1bdepfhhqvoeo6wx6xvtfvw6djdsj3bivsl37armjoq5oilrzu5rq";

test("a ticket goes through as it is", () => {
  const plain = { code: "", accept: false, history: "all" };
  const ticket = `tincan://h:7000/lobby?key=${key}&secret=s`;
  assert.equal(invited(ticket, plain), ticket);
  assert.equal(invited(` tincan://h:7000/lobby?key=${key}\n&secret=s \n`, plain), ticket);
  assert.equal(invited("tincan://h:7000/lobby", { code: "１23-456-789", accept: true, history: "new" }),
    "tincan://h:7000/lobby?code=123-456-789&accept=new&history=new");
  assert.equal(invited(ticket, { ...plain, history: "100" }), ticket + "&history=100");
  assert.deepEqual([" TINCAN://h:1", "h:1", "tincan", "lines://h:1"].map(isNative), [true, false, false, false]);
  const place = { host: "", port: "7000", codec: "auto", tls: false, options: "max=1MiB", room: "", admit: "ask" };
  assert.equal(address(place), "auto://:7000?max=1MiB&admit=ask");
  assert.equal(address({ ...place, codec: "lines" }), "lines://:7000?max=1MiB");
});

test("what a key calls itself is never alone", () => {
  assert.equal(label(key), "bdep fhhq");
  meet(key, "Bob");
  assert.equal(label(key), '"Bob" bdep fhhq');
  meet(key, undefined, "Robert");
  assert.equal(label(key), "Robert");
  meet(key, undefined, "");
  assert.equal(label(key), '"Bob" bdep fhhq');
});

test("a message waits for its number, and is there once", () => {
  const s = newState();
  s.room = "r";
  s.log = new Log("r", asker(0).ask, () => {});
  s.status = { rooms: [{ name: "r", host: key }] } as unknown as NonNullable<typeof s.status>;
  const w: Wishes = {};
  apply(s, { event: "receipt", room: "r", id: "a", state: "queued" } as object, w);
  assert.equal(w.pending, true);
  wait(s, message(0, { id: "a" }));
  wait(s, message(0, { id: "a" }));
  wait(s, message(0, { id: "b", room: "other" }));
  assert.deepEqual(s.pending.map((m) => m.id), ["a"]);
  assert.equal(s.log.last, 0);
  apply(s, { event: "message", ...message(1, { id: "a" }) } as object, w);
  assert.deepEqual(s.pending, []);
  assert.equal(s.log.row(1)?.receipts.get(key)?.state, "stored");
  wait(s, message(0, { id: "a" })); // an answer that was on its way
  assert.deepEqual(s.pending, []);
});

test("what the journal does not have is a hole, and is asked for once", async () => {
  const asked: number[] = [];
  const has = [1, 2, 6, 7];
  const log = new Log("r", {
    history: async (_, after, limit) => { asked.push(after); return has.filter((o) => o > after).slice(0, limit).map((o) => message(o)); },
    receipts: async () => [],
  }, () => {});
  log.reach(7, true);
  log.want(1, 7);
  await settled();
  assert.deepEqual([2, 3, 5, 6].map((o) => log.hole(o)), [false, true, true, false]);
  const n = asked.length;
  log.want(1, 7);
  await settled();
  assert.equal(asked.length, n);
  log.base = 5;
  assert.equal(log.first, 6);
});

test("who asks to come in is no failure", () => {
  assert.deepEqual(steps({ event: "asking", peer: key }).map((s) => s.word), ["step.asking"]);
  assert.deepEqual(steps({ event: "refused", reason: "the operator is asked" }), []);
  assert.deepEqual(steps({ event: "disconnected", addr: "h:1", reason: "unknown key", retry_in_ms: 3000 }).map((s) => s.word), ["step.asked"]);
  assert.deepEqual(steps({ event: "paired", peer: key, reason: "ticket" }).map((s) => s.word), ["step.paired"]);
});
