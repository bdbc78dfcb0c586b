import { t } from "./words.ts";

// How figures, times and a peer's text are written.

// size writes a number of bytes.
export function size(n: number): string {
  if (n < 10_000) return `${n} B`;
  if (n < 1e6) return `${(n / 1e3).toFixed(1)} kB`;
  if (n < 1e9) return `${(n / 1e6).toFixed(1)} MB`;
  return `${(n / 1e9).toFixed(1)} GB`;
}

// count writes a number with its thousands apart.
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

// micros writes µs with three digits.
export function micros(us: number): string {
  if (us < 10_000) return `${(us / 1000).toFixed(2)} ms`;
  if (us < 100_000) return `${(us / 1000).toFixed(1)} ms`;
  return `${Math.round(us / 1000)} ms`;
}

// span writes a length of time given in ms.
export function span(ms: number): string {
  ms = Math.max(0, ms);
  if (ms < 1000) return t("unit.span.ms", { n: Math.round(ms) });
  const s = Math.floor(ms / 1000);
  if (ms < 10_000) return t("unit.span.s", { n: (ms / 1000).toFixed(1) });
  if (s < 60) return t("unit.span.s", { n: s });
  if (s < 3600) return t("unit.span.m", { m: Math.floor(s / 60), s: s % 60 });
  return t("unit.span.h", { h: Math.floor(s / 3600), m: Math.floor(s / 60) % 60 });
}

// rough writes a length of time given in ms with its largest unit alone.
export function rough(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t("unit.span.s", { n: s });
  if (s < 3600) return t("unit.rough.m", { n: Math.floor(s / 60) });
  if (s < 86_400) return t("unit.rough.h", { n: Math.floor(s / 3600) });
  return t("unit.rough.d", { n: Math.floor(s / 86_400) });
}

const two = (n: number) => String(n).padStart(2, "0");

// clock writes the time of day; a time of another day gets its date.
export function clock(at: Date): string {
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const now = new Date();
  return at.toDateString() === now.toDateString() ? time : `${day(at)} ${time}`;
}

function day(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

// stamp writes a time to the millisecond.
export function stamp(at: Date): string {
  return `${day(at)} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

// Piece is a stretch of a peer's text: shown as it is, or as a visible sign for what would steer the page.
export interface Piece {
  text: string;
  sign?: boolean;
}

// What has no form of its own or changes that of its neighbours: controls but tab and line feed, marks of
// direction, joiners, the byte order mark, tags, unpaired surrogates, unassigned signs that browsers hide.
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

// pieces takes a peer's text apart. A line feed that ends a text is a sign, for it would not be seen.
export function pieces(s: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const m of s.matchAll(steering)) {
    if (m[0] === "\r" && s[m.index + 1] === "\n") continue;
    if (m.index > at) out.push({ text: s.slice(at, m.index) });
    out.push({ text: sign(m[0].codePointAt(0)!), sign: true });
    at = m.index + m[0].length;
  }
  if (at < s.length) out.push({ text: s.slice(at) });
  if (s.endsWith("\n")) out.push({ text: "LF", sign: true });
  return out;
}

const controls = ("NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC " +
  "FS GS RS US SP").split(" ");

function sign(c: number): string {
  if (c <= 0x20) return controls[c]!;
  if (c === 0x7f) return "DEL";
  return "U+" + c.toString(16).toUpperCase().padStart(4, "0");
}

// clean is a peer's word on one line: a name, a reason.
export function clean(s: string): string {
  return pieces(s.replace(/[\t\n]/g, " ")).map((p) => p.text).join("");
}
