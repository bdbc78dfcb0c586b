import { bytesIn } from "./hex.ts";
import type { Message, Receipt, ReceiptRange } from "./types.ts";

// Log is what the page holds of one room: its numbers from 1 to last, and of these a few pages of messages
// around what is looked at. The journal has the rest, and gives any page again.

// Ask is how a log asks the node; tests give it another.
export interface Ask {
  history(room: string, after: number, limit: number): Promise<Message[]>;
  receipts(room: string, first: number, last: number): Promise<ReceiptRange[]>;
}

export interface Row {
  m: Message; // its body is cut to keep characters
  long?: number; // where the body is cut: the characters of the whole text, or its bytes if it is none
  receipts: Map<string, { state: Receipt; at: number }>; // by peer
}

export const page = 128; // messages
const pages = 64; // kept
const keep = 16_384; // characters of a body

// The most rows that the list spans; the height of an element has bounds in every browser.
export const span = 200_000;

export class Log {
  last = 0;
  floor = 1; // the first row that the list spans
  cleared = 1; // the first row that the view shows since it was cleared
  base = 0; // the last row that is not kept any more
  private held = new Map<number, (Row | null | undefined)[]>(); // null: it is not in the journal
  private stale = new Set<number>();
  private busy = new Set<number>();
  private age = 0; // of what is known; what was asked before a reset is dropped
  private clock = 0; // counts receipts, to tell which is newer
  private center = 0; // the page that is looked at

  constructor(readonly room: string, private ask: Ask, private changed: () => void) {}

  get first(): number {
    return Math.max(this.floor, this.cleared, this.base + 1);
  }

  // reach says that the room has messages up to here.
  reach(last: number, following: boolean): void {
    if (last > this.last) this.last = last;
    if (following && this.last - this.floor >= 2 * span) this.floor = this.last - span;
  }

  row(offset: number): Row | undefined {
    return this.held.get(Math.floor((offset - 1) / page))?.[(offset - 1) % page] ?? undefined;
  }

  // hole says that the journal has no such message: it is part of a gap.
  hole(offset: number): boolean {
    return this.held.get(Math.floor((offset - 1) / page))?.[(offset - 1) % page] === null;
  }

  private open(at: number): (Row | null | undefined)[] {
    let p = this.held.get(at);
    if (!p) {
      this.held.set(at, p = []);
      this.evict(at);
    }
    return p;
  }

  // put keeps a message that arrived or was read.
  put(m: Message): void {
    const p = this.open(Math.floor((m.offset - 1) / page));
    const before = p[(m.offset - 1) % page];
    const long = (m.text ?? m.base64 ?? "").length > keep ? m.text?.length ?? bytesIn(m.base64!) : undefined;
    const kept = { ...m };
    if (long !== undefined) {
      if (m.text !== undefined) kept.text = flat(whole(m.text.slice(0, keep)));
      if (m.base64 !== undefined) kept.base64 = flat(m.base64.slice(0, keep)); // a multiple of 4
    }
    p[(m.offset - 1) % page] = { m: kept, ...(long === undefined ? {} : { long }), receipts: before?.receipts ?? new Map() };
  }

  // got notes how far a message got.
  got(offset: number, peer: string, state: Receipt): void {
    this.row(offset)?.receipts.set(peer, { state, at: ++this.clock });
  }

  // reset drops nothing that is on screen, but has everything read again.
  reset(): void {
    this.age++;
    this.busy.clear();
    for (const at of this.held.keys()) this.stale.add(at);
  }

  // want has the pages of rows read that are not here.
  want(from: number, to: number): void {
    this.center = Math.floor((to - 1) / page);
    for (let at = Math.floor((from - 1) / page); at <= this.center; at++) {
      if (this.busy.has(at) || !this.stale.has(at) && this.whole(at, from, to)) continue;
      this.busy.add(at);
      void this.load(at, this.age);
    }
  }

  private whole(at: number, from: number, to: number): boolean {
    const p = this.held.get(at);
    if (!p) return false;
    for (let o = Math.max(from, at * page + 1); o <= Math.min(to, (at + 1) * page, this.last); o++) {
      if (p[o - 1 - at * page] === undefined) return false;
    }
    return true;
  }

  private async load(at: number, age: number): Promise<void> {
    const end = Math.min((at + 1) * page, this.last);
    const asked = this.clock;
    try {
      for (let after = at * page; after < end;) {
        const ms = await this.ask.history(this.room, after, end - after);
        if (age !== this.age) return;
        if (!ms.length) break;
        for (const m of ms) this.put(m);
        after = ms[ms.length - 1]!.offset;
        this.changed();
      }
      const p = this.open(at);
      for (let o = at * page + 1; o <= end; o++) if (p[o - 1 - at * page] === undefined) p[o - 1 - at * page] = null;
      const ranges = await this.ask.receipts(this.room, at * page + 1, end);
      if (age !== this.age) return;
      for (const r of ranges) {
        for (let o = Math.max(r.first, at * page + 1); o <= Math.min(r.last, end); o++) this.fill(o, r, asked);
      }
      this.stale.delete(at);
    } catch {
      // The banner says that tincan does not answer; the page is asked for again when it does.
      await new Promise((go) => setTimeout(go, 1000));
    }
    if (age === this.age) this.busy.delete(at);
    this.changed();
  }

  // fill notes a receipt that was asked for, unless a newer one has come meanwhile.
  private fill(offset: number, r: ReceiptRange, asked: number): void {
    const row = this.row(offset);
    if (!row || row.m.from !== "me") return;
    const has = row.receipts.get(r.peer);
    if (!has || has.at <= asked) row.receipts.set(r.peer, { state: r.state, at: asked });
  }

  private evict(kept: number): void {
    if (this.held.size <= pages) return;
    const tail = Math.floor((this.last - 1) / page);
    let worst = -1;
    let far = -1;
    for (const at of this.held.keys()) {
      const d = Math.min(Math.abs(at - this.center), Math.abs(at - tail));
      if (at !== kept && d > far) [worst, far] = [at, d];
    }
    this.held.delete(worst);
    this.stale.delete(worst);
  }
}

// flat copies a piece of a text, which would otherwise keep all of it in memory.
function flat(s: string): string {
  return JSON.parse(JSON.stringify(s)) as string;
}

// whole drops half of a surrogate pair from the end.
export function whole(s: string): string {
  const c = s.charCodeAt(s.length - 1);
  return c >= 0xd800 && c < 0xdc00 ? s.slice(0, -1) : s;
}
