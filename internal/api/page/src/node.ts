import { label } from "./address.ts";
import { call, Failure, follow } from "./api.ts";
import { clean } from "./format.ts";
import { Log } from "./log.ts";
import { meet } from "./names.ts";
import { addNotice, apply, linksOf, newState, roomOf, rows, type State, type Wishes } from "./store.ts";
import { step, steps } from "./steps.ts";
import type { Gap, Happening, Link, Message, Peer, ReceiptRange, Status } from "./types.ts";
import { t } from "./words.ts";

// The page's side of the node: the one state, kept up to date, and drawn when it has changed.

export const state: State = newState();

let draw = () => {};
let drawing = false;

// onChange says how to draw.
export function onChange(f: () => void): void {
  draw = f;
}

// changed has the page drawn, once per frame however often it is called. A page that nobody sees is drawn
// four times a second.
export function changed(): void {
  if (drawing) return;
  drawing = true;
  const now = () => {
    drawing = false;
    draw();
  };
  if (document.hidden) setTimeout(now, 250);
  else requestAnimationFrame(now);
}

// say shows a failure where the whole page sees it.
export function complain(e: unknown): void {
  const { text, next } = explain(e);
  addNotice(state, "bad", text, next);
  changed();
}

// explain is a failure in words.
export function explain(e: unknown): { text: string; next: string } {
  if (e instanceof Failure) {
    if (e.code === "offline") return { text: t("offline"), next: t("offline.next") };
    if (e.code === "token") return { text: t("token"), next: t("token.next") };
    return { text: e.message, next: e.hint };
  }
  return { text: String(e), next: "" };
}

const ask = {
  history: async (room: string, after: number, limit: number) =>
    (await call<{ messages: Message[] }>("history", { room, after, limit })).messages,
  receipts: async (room: string, first: number, last: number) =>
    (await call<{ receipts: ReceiptRange[] }>("receipts", { room, first, last })).receipts,
};

// The snapshot is asked for when something has happened, and otherwise every second for the live figures;
// never more often than it is answered.
let asking: Promise<void> | undefined;
let again = false;
let timer = 0;
let pace = 0; // what the last one took, in ms

export function refresh(): Promise<void> {
  if (asking) {
    again = true;
    return asking;
  }
  clearTimeout(timer);
  asking = snapshot().finally(() => {
    asking = undefined;
    const soon = Math.max(60, 3 * pace);
    timer = window.setTimeout(() => void refresh(), again ? soon : Math.max(soon, document.hidden ? 5000 : shown()?.paused ? 400 : 1000));
    again = false;
  });
  return asking;
}

async function snapshot(): Promise<void> {
  const began = performance.now();
  try {
    take(await call<Status>("status"));
  } catch (e) {
    if (e instanceof Failure && e.code !== "offline" && e.code !== "token") complain(e);
  }
  pace = performance.now() - began;
}

function take(st: Status): void {
  state.status = st;
  if (!state.room) select(openRoom());
  for (const l of st.links) meet(l.peer, l.name);
  for (const x of st.rooms) for (const m of x.members ?? []) meet(m.peer, m.name);
  const r = roomOf(state, state.room);
  if (r && state.log) {
    state.log.base = r.base ?? 0;
    state.log.reach(r.last, state.tail);
    if (Math.min(waiting, r.pending?.messages ?? 0) !== state.pending.length) void loadPending(r.name);
  }
  const l = shown();
  if (l) {
    state.queues.push({ link: l.id, queue: l.tcp.recv_queue ?? 0, window: l.tcp.recv_window ?? 0 });
    if (state.queues.length > 120) state.queues.shift();
  }
  changed();
}

// openRoom is the room to show when none is chosen: the newest that is open.
function openRoom(): string | undefined {
  return rows(state.status).open.at(-1)?.room.name;
}

let chosenLink: number | undefined;

// shown is the live link whose figures are shown.
export function shown(): Link | undefined {
  const ls = linksOf(state, state.room);
  return ls.find((l) => l.id === chosenLink) ?? ls[ls.length - 1];
}

export function showLink(id: number): void {
  chosenLink = id;
  state.queues = [];
  changed();
}

// select shows a room.
export function select(name: string | undefined): void {
  if (name === state.room) return;
  state.room = name;
  state.tail = true;
  state.queues = [];
  chosenLink = undefined;
  state.log = undefined;
  state.pending = [];
  state.gaps = [];
  if (name !== undefined) {
    state.unread.delete(name);
    state.log = new Log(name, ask, changed);
    const r = roomOf(state, name);
    if (r) state.log.reach(r.last, true);
    state.log.base = r?.base ?? 0;
    if (r?.pending) void loadPending(name);
    if (r?.host || r?.shared) void loadGaps(name);
    state.log.floor = Math.max(1, state.log.last - 200_000);
    void loadEnds(name);
  }
  changed();
}

async function loadEnds(room: string): Promise<void> {
  try {
    const { links } = await call<{ links: Link[] }>("links", { room, limit: 300 });
    state.ends.set(room, links);
    if (state.ends.size > 50) state.ends.delete(state.ends.keys().next().value!);
  } catch {
    state.ends.set(room, []); // a room that has no record yet
  }
  changed();
}

// The most of what waits for a host that is shown.
const waiting = 100;

async function loadPending(room: string): Promise<void> {
  try {
    const { messages } = await call<{ messages: Message[] }>("pending", { room, limit: waiting });
    if (room === state.room) state.pending = messages.filter((m) => !state.numbered.has(m.id));
  } catch {
    // The next snapshot has it asked for again.
  }
  changed();
}

async function loadGaps(room: string): Promise<void> {
  try {
    const { gaps } = await call<{ gaps: Gap[] }>("gaps", { room });
    if (room === state.room) state.gaps = gaps;
  } catch {
    // A room that has no record yet has no gaps.
  }
  changed();
}

// loadPeers asks who is known, and who asks.
export async function loadPeers(): Promise<void> {
  try {
    state.peers = (await call<{ peers: Peer[] }>("peers")).peers;
    for (const p of state.peers) meet(p.id, p.called, p.name ?? "");
  } catch (e) {
    if (!(e instanceof Failure) || e.code !== "offline" && e.code !== "token") complain(e);
  }
  changed();
}

// fulfil does what events have made necessary.
function fulfil(w: Wishes): void {
  if (w.select && !state.room) select(w.select);
  if (w.status) void refresh();
  for (const room of w.ends ?? []) if (room === state.room) void loadEnds(room);
  if (w.reset) state.log?.reset();
  if (w.peers) void loadPeers();
  if (w.pending && state.room) void loadPending(state.room);
  if (w.gaps && state.room) void loadGaps(state.room);
}

// run keeps the page up to date for as long as it is open: it follows the events, and when the stream is lost
// asks again after 0.5 s to 5 s, then reads again what it shows.
export async function run(): Promise<void> {
  let wait = 500;
  let lost = false;
  for (;;) {
    try {
      await follow(() => {
        wait = 500;
        void resume(lost);
      }, (events) => {
        const w: Wishes = {};
        for (const e of events) apply(state, e, w);
        fulfil(w);
        changed();
      });
    } catch (e) {
      if (e instanceof Failure && e.code === "token") {
        state.stream = "token";
        changed();
        return;
      }
    }
    lost = true;
    state.stream = "lost";
    changed();
    await new Promise<void>((go) => {
      hurry = go;
      setTimeout(go, wait);
    });
    wait = Math.min(5000, wait * 2);
  }
}

let hurry = () => {};

// tryNow ends the wait for a lost stream.
export function tryNow(): void {
  hurry();
}

// resume reads what the page shows after the subscription stands, so that nothing falls between.
async function resume(lost: boolean): Promise<void> {
  await asking;
  await refresh();
  state.stream = "live";
  void loadPeers();
  if (lost) {
    state.log?.reset();
    if (state.room) {
      void loadEnds(state.room);
      void loadPending(state.room);
      void loadGaps(state.room);
    }
    state.retries.clear();
    const n = addNotice(state, "good", t("back"));
    setTimeout(() => dismiss(n.id), 4000);
  } else {
    greet();
  }
  changed();
}

// greet puts on the strip what is so when the page opens, in place of the word that stood there until that was known.
function greet(): void {
  const st = state.status;
  const link = st?.links.at(-1);
  const l = st?.listeners.at(-1);
  void recollect();
  if (state.steps.at(-1)!.word !== "step.ready") return; // something has happened already
  if (link) {
    state.steps = [step(link.dialled ? "step.connected" : "step.accepted", "good", new Date(link.since), () => clean(label(link.peer)))];
  } else if (l) {
    state.steps = [step("step.waiting", "wait", new Date(), () => l.addr)];
  }
}

// recollect fills the strip's history with what the journal knows of the time before the page was opened.
async function recollect(): Promise<void> {
  try {
    const { events } = await call<{ events: Happening[] }>("past", { limit: 60 });
    const before = state.steps[0]!.at;
    state.steps.unshift(...events.flatMap(steps).filter((s) => s.at < before));
    changed();
  } catch {
    // The strip begins with what happens from here on.
  }
}

export function dismiss(id: number): void {
  state.notices = state.notices.filter((n) => n.id !== id);
  changed();
}
