import type { Log } from "./log.ts";
import { isKey, meet } from "./names.ts";
import { steps, type Step, step } from "./steps.ts";
import { t, tOr } from "./words.ts";
import type { Gap, Happening, Link, Message, Peer, Receipt, Room, Status } from "./types.ts";

// State is all that the page knows. It is changed in place, by events and by answers, and drawn once per frame.
export interface State {
  status: Status | undefined;
  stream: "connecting" | "live" | "lost" | "token";
  skew: number; // the node's clock minus ours, in ms
  room: string | undefined; // the conversation that is shown
  log: Log | undefined; // its messages
  tail: boolean; // the list shows the newest
  unread: Map<string, number>;
  ends: Map<string, Link[]>; // ended links by room, newest first
  retries: Map<string, { due: number; link: boolean; reason: string; detail: string; hint: string }>; // by room, on performance.now's clock
  steps: Step[]; // oldest first
  sending: Map<string, Going>; // what this page sends, by message id
  notices: Notice[];
  queues: Sample[]; // of the link that is shown
  peers: Peer[]; // those that ask first
  later: Set<string>; // that ask, and are not to be shown until they ask again
  pending: Message[]; // own messages of the room that is shown which its host has not numbered, oldest first
  numbered: Set<string>; // ids of the last ones that it has
  gaps: Gap[]; // of the room that is shown
}

// Going is one thing that was sent to one or more conversations.
export interface Going {
  key: string;
  who: string;
  all: number; // messages
  far: Map<string, Receipt>; // by message id
}

export interface Notice {
  id: number;
  kind: "bad" | "good";
  text: string;
  next: string;
}

export interface Sample {
  link: number;
  queue: number;
  window: number;
}

export function newState(): State {
  return {
    status: undefined, stream: "connecting", skew: 0, room: undefined, log: undefined, tail: true,
    unread: new Map(), ends: new Map(), retries: new Map(),
    steps: [step("step.ready", "calm", new Date())],
    sending: new Map(), notices: [], queues: [],
    peers: [], later: new Set(), pending: [], numbered: new Set(), gaps: [],
  };
}

// Wishes are what an event makes necessary beyond the state itself.
export interface Wishes {
  status?: boolean; // the snapshot is out of date
  ends?: Set<string>; // so are the ended links of these rooms
  reset?: boolean; // so are the messages of the room that is shown
  select?: string; // a room to show if none is
  peers?: boolean; // who is known is out of date
  pending?: boolean; // so is what waits in the room that is shown
  gaps?: boolean; // and what is missing from it
}

const stepsKept = 200;

export function addStep(s: State, ...add: Step[]): void {
  s.steps.push(...add);
  if (s.steps.length > stepsKept) s.steps.splice(0, s.steps.length - stepsKept);
}

let notices = 0;

export function addNotice(s: State, kind: "bad" | "good", text: string, next = ""): Notice {
  const same = s.notices.find((n) => n.text === text && n.next === next);
  if (same) return same;
  const n = { id: ++notices, kind, text, next };
  s.notices = [...s.notices.slice(-3), n];
  return n;
}

// apply lets an event happen to the state.
export function apply(s: State, e: Happening, wish: Wishes): void {
  switch (e.event) {
    case undefined:
      return;
    case "message":
      message(s, e as Message, wish);
      return;
    case "receipt":
      receipt(s, e, wish);
      return;
    case "error":
      addNotice(s, "bad", e.error ?? "", e.hint);
      wish.status = true;
      return;
    case "connected":
      s.retries.delete(e.room!);
      wish.select = e.room!;
      if (isKey(e.peer ?? "")) {
        meet(e.peer!, e.name);
        wish.peers = true;
      }
      break;
    case "asking":
      s.later.delete(e.peer!);
      meet(e.peer!, e.name);
      wish.peers = true;
      break;
    case "paired":
      meet(e.peer!, e.name);
      wish.peers = true;
      break;
    case "gap":
      wish.gaps = true;
      break;
    case "disconnected":
      if (e.link) (wish.ends ??= new Set()).add(e.room!);
      if (e.retry_in_ms !== undefined) {
        s.retries.set(e.room!, { due: performance.now() + e.retry_in_ms, link: !!e.link, reason: e.reason ?? "", detail: e.detail ?? "", hint: e.hint ?? "" });
      } else {
        s.retries.delete(e.room!);
      }
      break;
    case "codec":
      if (e.choice === "by hand" && e.room === s.room) wish.reset = true;
      break;
  }
  addStep(s, ...steps(e));
  wish.status = true;
}

// known has the last ids that a host gave a number; an answer that was on its way meanwhile must not bring one back.
const known = 1000;

// number takes an own message from those that wait for their number.
function number(s: State, m: Message): void {
  s.pending = s.pending.filter((p) => p.id !== m.id);
  s.numbered.add(m.id);
  if (s.numbered.size > known) s.numbered.delete(s.numbered.values().next().value!);
}

// wait shows an own message behind those that have a number.
export function wait(s: State, m: Message): void {
  if (m.room === s.room && !s.numbered.has(m.id) && !s.pending.some((p) => p.id === m.id)) s.pending = [...s.pending, m];
}

function message(s: State, m: Message, wish: Wishes): void {
  meet(m.from, m.name);
  if (m.from === "me") number(s, m);
  if (m.room === s.room && s.log) {
    s.log.reach(m.offset, s.tail);
    // While somebody reads further up, what arrives is only counted: it is read again when it is looked at. Our
    // own is kept all the same, because its receipts follow.
    if (s.tail || m.from === "me") s.log.put(m);
    // It was on its way while the room's encoding was changed.
    const room = roomOf(s, m.room);
    if (room?.host && m.from === "me") s.log.got(m.offset, room.host, "stored");
    if (room && (m.encoding ?? "") !== (room.encoding ?? "")) wish.reset = true;
    if (!s.tail && m.from !== "me") s.unread.set(m.room, (s.unread.get(m.room) ?? 0) + 1);
    return;
  }
  if (m.from !== "me") s.unread.set(m.room, (s.unread.get(m.room) ?? 0) + 1);
}

function receipt(s: State, e: Happening, wish: Wishes): void {
  if (e.room === s.room && e.offset) s.log?.got(e.offset, e.peer ?? "", e.state!);
  // Sent by another page or program, and not numbered yet.
  if (e.room === s.room && !e.offset && e.state === "queued" && !s.sending.has(e.id!)) wish.pending = true;
  const going = s.sending.get(e.id ?? "");
  if (!going) return;
  if (e.state === "written" || e.state === "reached" || e.state === "stored") {
    done(s, going, e.id!, e.state, e.time);
    if (e.state !== "written") s.sending.delete(e.id!);
  } else if (e.state !== "queued") {
    s.sending.delete(e.id!);
  }
}

// done says on the strip that what was sent went out, and how far; one step for all who get it.
function done(s: State, going: Going, id: string, state: Receipt, time: string | undefined): void {
  going.far.set(id, state);
  const at = time ? new Date(time) : new Date();
  const detail = () => {
    const states = [...going.far.values()];
    const least = states.includes("written") ? "written" : state;
    const word = tOr("receipt.", least);
    const n = states.filter((x) => x === least).length;
    return (going.all > 1 ? t("receipt.of", { state: word, n, all: going.all }) : word) + " · " + t("step.to", { who: going.who });
  };
  const next = { ...step("step.done", "good", at, detail), id: going.key };
  const i = s.steps.findLastIndex((x) => x.id === going.key);
  if (i >= 0) s.steps[i] = next;
  else addStep(s, next);
}

// Views of a status.

export function roomOf(s: State, name: string | undefined): Room | undefined {
  return name === undefined ? undefined : s.status?.rooms.find((r) => r.name === name);
}

// shared is the link to a room's host that another of its rooms has opened.
function shared(room: Room, all: Link[]): Link[] {
  return room.host && room.dial?.phase === "connected" ? all.filter((l) => l.dialled && l.peer === room.host).slice(-1) : [];
}

export function linksOf(s: State, name: string | undefined): Link[] {
  const all = s.status?.links ?? [];
  const own = all.filter((l) => l.room === name);
  const room = own.length ? undefined : roomOf(s, name);
  return room ? shared(room, all) : own;
}

export interface Row {
  room: Room;
  links: Link[];
  live: boolean;
}

// rows are the conversations: those with something open, by when they began; and the ended ones, newest first.
export function rows(status: Status | undefined): { open: Row[]; ended: Row[] } {
  const open: Row[] = [];
  const ended: Row[] = [];
  if (!status) return { open, ended };
  const by = new Map<string, Link[]>();
  for (const l of status.links) {
    const ls = by.get(l.room);
    if (ls) ls.push(l);
    else by.set(l.room, [l]);
  }
  const lets = status.listeners.some((l) => l.admit); // members may come back
  for (const room of status.rooms) {
    const links = by.get(room.name) ?? shared(room, status.links);
    by.delete(room.name);
    const live = links.length > 0 || room.dial?.phase === "connected" || !!room.members?.some((m) => m.here && m.peer !== room.host);
    if (live || room.dial || room.held || room.pending || room.shared && !room.host && room.members?.length && lets) open.push({ room, links, live });
    else ended.push({ room, links, live });
  }
  for (const [name, links] of by) { // more than the snapshot lists
    const l = links[0]!;
    open.push({ room: { name, last: 0, updated: l.since, codec: l.codec, links: links.map((x) => x.id) }, links, live: true });
  }
  const since = (r: Row) => r.links[0]?.since ?? "";
  open.sort((a, b) => since(a) && since(b) ? a.links[0]!.id - b.links[0]!.id : since(a) ? -1 : since(b) ? 1 : 0);
  return { open, ended };
}
