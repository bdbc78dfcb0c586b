import { useState } from "preact/hooks";
import { everything, toClipboard } from "./actions.ts";
import { label } from "./address.ts";
import { encode } from "./encode.ts";
import { Icon } from "./fields.tsx";
import { clean, clock, count, pieces, rough, size, stamp } from "./format.ts";
import { bytesIn, dump, fromBase64, plainHex } from "./hex.ts";
import { type Row, whole } from "./log.ts";
import { fingerprint, isKey } from "./names.ts";
import { complain, state } from "./node.ts";
import { prefs } from "./prefs.ts";
import type { Message, Receipt, Room } from "./types.ts";
import { t, tOr } from "./words.ts";

// One message: its body, when it was, and for our own how far it got.

const short = 1200; // characters shown of a long text
const lines = 16;
const shortBytes = 256; // shown of a long body in hex
const most = 256 << 10; // characters or bytes shown at all

// What was unfolded, by message, with the whole body. Not in the rows: they come and go while one scrolls.
const unfolded = new Map<string, Message>();

export function Item({ row, room }: { row: Row; room: Room }) {
  const { m } = row;
  const mine = m.from === "me";
  if (m.replaced) return <p class="replaced" title={stamp(new Date(m.time))}>{preview(m)} <em>{t("message.replaced")}</em></p>;
  return (
    <article class={mine ? "item mine" : "item"}>
      <div class="main">
        {(room.shared || room.host) && !mine && <b class="from" title={isKey(m.from) ? fingerprint(m.from) : undefined}>{clean(label(m.from))}</b>}
        <div class="body"><Body row={row} room={room} /></div>
        {m.partial && <p class="partial">{t("message.partial")}</p>}
      </div>
      <footer>
        {mine && (room.host || [...row.receipts.keys()].some(isKey) ? <StoredBy row={row} room={room} /> : <Receipts row={row} shared={!!room.shared} />)}
        <time dateTime={m.time} title={stamp(new Date(m.time))}>{clock(new Date(m.time))}</time>
        <CopyMessage row={row} />
      </footer>
    </article>
  );
}

function preview(m: Message): string {
  return m.text !== undefined ? clean(m.text.slice(0, 200)) : plainHex(fromBase64((m.base64 ?? "").slice(0, 80)));
}

async function all(m: Message): Promise<Message> {
  for await (const ms of everything(m.room, m.offset - 1, m.offset)) return ms[0]!;
  return m;
}

function Body({ row, room }: { row: Row; room: Room }) {
  const key = `${row.m.room}\n${row.m.offset || row.m.id}`;
  const [, again] = useState(0);
  const open = unfolded.get(key);
  const m = open ?? row.m;
  const unfold = async () => {
    try {
      unfolded.set(key, row.long ? await all(row.m) : row.m);
      if (unfolded.size > 20) unfolded.delete(unfolded.keys().next().value!);
    } catch (e) {
      complain(e);
    }
    again((n) => n + 1);
  };
  const fold = () => {
    unfolded.delete(key);
    again((n) => n + 1);
  };
  const encoding = room.encoding ?? "";
  const asHex = m.text === undefined || prefs.view === "hex";
  const bytes = asHex ? bytesOf(m, encoding, open ? most : shortBytes) : undefined;
  const shown = asHex ? undefined : fitting(m.text!, open ? most : short, open ? Infinity : lines);
  const extent = row.long ?? m.text?.length ?? bytes!.all;
  const extentSaid = m.text === undefined ? size(extent) : t("characters", { n: count(extent) });
  const cut = asHex ? bytes === undefined ? false : bytes.cut : shown!.length < m.text!.length || !open && !!row.long;
  return (
    <>
      {m.text === undefined && <small class="kind">{t("message.bytes", { encoding: (encoding || "utf-8").toUpperCase(), n: count(extent) })}</small>}
      {asHex
        ? bytes === undefined ? <em class="kind">{t("message.nobytes", { encoding })}</em>
        : bytes.all ? <pre class="hex" tabIndex={0}>{dump(bytes.is)}</pre> : <em class="kind">{t("message.empty")}</em>
        : shown ? <Text s={shown} /> : <em class="kind">{t("message.empty")}</em>}
      {cut && !open && <button class="small quiet more" onClick={() => void unfold()}>{t("message.more", { size: extentSaid })}</button>}
      {cut && open && <p class="kind">{t("message.rest", { size: extentSaid })}</p>}
      {open && <button class="small quiet more" onClick={fold}>{t("message.less")}</button>}
    </>
  );
}

// fitting is the beginning of a text that is shown.
function fitting(s: string, most: number, lines: number): string {
  let end = Math.min(s.length, most);
  for (let at = -1, n = 0; n < lines; n++) {
    at = s.indexOf("\n", at + 1);
    if (at < 0 || at >= end) break;
    if (n === lines - 1) end = at;
  }
  return end < s.length ? whole(s.slice(0, end)) : s;
}

function bytesOf(m: Message, encoding: string, limit: number): { is: Uint8Array; all: number; cut: boolean } | undefined {
  if (m.base64 !== undefined) {
    const n = bytesIn(m.base64);
    const is = fromBase64(m.base64.slice(0, Math.ceil(limit / 3) * 4)).slice(0, limit);
    return { is, all: n, cut: n > limit };
  }
  const b = encode(whole(m.text!.slice(0, most)), encoding);
  return b && { is: b.slice(0, limit), all: b.length, cut: b.length > limit || m.text!.length > most };
}

function Text({ s }: { s: string }) {
  const ps = pieces(s);
  return <p class="text" dir="auto">{ps.map((p) => p.sign ? <span class="sign" dir="ltr">{p.text}</span> : p.text)}</p>;
}

// said is how far a message got with each peer; in a room of one peer, what was said last.
function said(row: Row, shared: boolean): Receipt[] {
  const named = [...row.receipts].filter(([peer]) => peer !== "");
  const all = (named.length ? named : [...row.receipts]).map(([, r]) => r).sort((a, b) => b.at - a.at);
  return (shared ? all : all.slice(0, 1)).map((r) => r.state);
}

const glyphs: Record<Receipt, string> = { queued: "○", written: "✓", reached: "✓✓", stored: "✓✓✓", uncertain: "?", discarded: "×" };

function Receipts({ row, shared }: { row: Row; shared: boolean }) {
  const states = said(row, shared);
  const least = (["uncertain", "discarded", "queued", "written", "reached", "stored"] as const).find((s) => states.includes(s)) ?? "queued";
  const n = states.filter((s) => s === least).length;
  const word = tOr("receipt.", least);
  const of = shared && states.length > 1 && n < states.length;
  return (
    <span class={"receipt " + least} title={tOr("receipt.why.", least)}>
      {of ? t("receipt.of", { state: word, n, all: states.length }) : word} <i aria-hidden="true">{glyphs[least]}</i>
    </span>
  );
}

// StoredBy says whose disks have an own message of a room that keys keep.
function StoredBy({ row, room }: { row: Row; room: Room }) {
  const all = reached(row, room);
  const has = all.filter((x) => x.state === "stored");
  const others = all.filter((x) => x.peer !== room.host);
  const got = others.filter((x) => x.state === "stored");
  const title = all.map((x) => t("send.to", { who: clean(label(x.peer)), why: t(`receipt.${x.state}`) })).join("\n");
  const said = got.length === 0 ? (room.host ? t("stored.host") : undefined)
    : others.length === 1 ? t("stored.one", { who: clean(label(got[0]!.peer)) })
    : got.length === others.length ? t("stored.all", { n: got.length }) : t("stored.some", { n: got.length, all: others.length });
  if (!said || !has.length) return <Receipts row={row} shared={!!room.shared} />;
  return <span class="receipt stored" title={title}>{said} <i aria-hidden="true">{glyphs.stored}</i></span>;
}

// reached is how far a message got, by peer: what the receipts say, and what the room's members have stored.
function reached(row: Row, room: Room): { peer: string; state: Receipt }[] {
  const by = new Map<string, Receipt>();
  for (const [peer, r] of row.receipts) if (peer) by.set(peer, r.state);
  for (const m of room.members ?? []) {
    if (m.stored >= row.m.offset) by.set(m.peer, "stored");
    else if (room.host && !by.has(m.peer)) by.set(m.peer, "queued");
  }
  if (room.host) by.set(room.host, "stored"); // it has a number because of that
  by.delete(state.status?.id ?? "");
  return [...by].map(([peer, state]) => ({ peer, state }));
}

// Waiting is an own message that its room's host has not numbered yet.
export function Waiting({ m, room }: { m: Message; room: Room }) {
  const row: Row = { m, receipts: new Map() };
  const ms = Date.now() + state.skew - Date.parse(m.time);
  return (
    <article class="item mine waits">
      <div class="main"><div class="body"><Body row={row} room={room} /></div></div>
      <footer>
        <span class="receipt queued" title={t("pending.why")}>{ms < 3000 ? t("receipt.queued") : t("pending.for", { time: rough(ms) })} <i aria-hidden="true">{glyphs.queued}</i></span>
        <time dateTime={m.time} title={stamp(new Date(m.time))}>{clock(new Date(m.time))}</time>
        <CopyMessage row={row} />
      </footer>
    </article>
  );
}

function CopyMessage({ row }: { row: Row }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      const m = row.long ? await all(row.m) : row.m;
      const hex = m.text === undefined || prefs.view === "hex";
      const encoding = state.status?.rooms.find((r) => r.name === m.room)?.encoding ?? "";
      const bytes = m.text === undefined ? fromBase64(m.base64 ?? "") : hex ? encode(m.text, encoding) : undefined;
      setDone(await toClipboard(hex && bytes ? plainHex(bytes) : m.text ?? ""));
      setTimeout(() => setDone(false), 1500);
    } catch (e) {
      complain(e);
    }
  };
  return (
    <button class="icon" aria-label={t("copy.message")} title={t("copy.message")} tabIndex={-1} onClick={() => void copy()}>
      <Icon is={done ? "check" : "copy"} />
    </button>
  );
}

