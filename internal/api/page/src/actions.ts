import { label } from "./address.ts";
import { call, Failure } from "./api.ts";
import { clean, stamp } from "./format.ts";
import { fromBase64, plainHex } from "./hex.ts";
import { changed, complain, explain, refresh, select, state } from "./node.ts";
import { addStep, type Going, linksOf, rows, wait } from "./store.ts";
import { step } from "./steps.ts";
import type { Listener, Message, Room } from "./types.ts";
import { t } from "./words.ts";

// What a person can do. Those that answer beside a field throw the Failure; the others show it themselves.

export async function listen(addr: string): Promise<Listener> {
  const l = await call<Listener>("listen", { addr });
  void refresh();
  return l;
}

export async function dial(addr: string): Promise<Room> {
  const r = await call<Room>("dial", { addr });
  await refresh();
  select(r.name);
  return r;
}

// act asks a verb that has no answer, and shows a failure on top of the page.
export async function act(verb: string, body: object): Promise<boolean> {
  try {
    await call(verb, body);
    return true;
  } catch (e) {
    complain(e);
    return false;
  } finally {
    void refresh();
  }
}

// redial dials a room's address, which may be dialled already.
export async function redial(room: Room): Promise<void> {
  if (room.dial) await act("redial", { room: room.name });
  else await act("dial", { addr: room.name });
}

// hangUp has a room's address dialled no more, and the strip say so: no event tells the end of a wait.
export async function hangUp(room: string): Promise<void> {
  if (!await act("hangup", { room })) return;
  addStep(state, step("step.ready", "calm", new Date(), () => t("send.to", { who: clean(label(room)), why: t("dial.over") })));
  changed();
}

export async function disconnectAll(): Promise<void> {
  for (const l of state.status?.links ?? []) void act("disconnect", { link: l.id });
  for (const { room } of rows(state.status).open) {
    if (room.dial && room.dial.phase !== "stopped" && !room.links?.length) void act("hangup", { room: room.name });
  }
}

// setCodec throws the Failure. What is shown is read again when the event of it comes.
export async function setCodec(link: number, codec: string): Promise<void> {
  await call("codec", { link, codec });
  await refresh();
}

export async function setEncoding(room: string, encoding: string): Promise<void> {
  if (await act("encoding", { room, encoding })) {
    await refresh();
    state.log?.reset();
    changed();
  }
}

export interface Body {
  text?: string;
  hex?: string;
}

// Sent says what became of one message to several rooms.
export interface Sent {
  taken: string[];
  refused: { room: string; error: Failure }[];
}

// send gives one message to rooms. The ids make repeating safe: a message that was taken is not taken twice.
export async function send(to: string[], body: Body, ids: Map<string, string>): Promise<Sent> {
  const out: Sent = { taken: [], refused: [] };
  const who = to.length === 1 ? clean(label(to[0]!)) : t("who.many", { n: to.length });
  addStep(state, step("step.sending", "wait", new Date(), () => t("step.to", { who })));
  changed();
  const left = [...to];
  const going: Going = { key: newID(), who, all: to.length, far: new Map() };
  const one = async () => {
    for (let room; (room = left.shift()) !== undefined;) {
      const id = ids.get(room) ?? newID();
      ids.set(room, id);
      state.sending.set(id, going);
      try {
        const m = await call<Message & { state?: string }>("send", { room, id, ...body });
        out.taken.push(room);
        kept(m);
      } catch (e) {
        state.sending.delete(id);
        out.refused.push({ room, error: e instanceof Failure ? e : new Failure(String(e), "", "internal") });
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  if (!out.taken.length) {
    const { text, next } = explain(out.refused[0]!.error);
    addStep(state, step("step.ready", "calm", new Date(), () => t("dial.failed", { what: text, hint: next })));
  }
  changed();
  return out;
}

// kept shows a message at once that this page sent, and says so if it cannot go out now.
function kept(m: Message): void {
  if (m.room === state.room && state.log) {
    if (m.offset) {
      state.log.reach(m.offset, true);
      state.log.put(m);
    } else {
      wait(state, m);
    }
    state.tail = true;
  }
  if (!linksOf(state, m.room).length && !rows(state.status).open.some((r) => r.live && r.room.name === m.room)) {
    addStep(state, step("step.ready", "calm", new Date(m.time), () => t("step.kept")));
    state.sending.delete(m.id);
  }
}

export function newID(): string {
  const b = crypto.getRandomValues(new Uint8Array(12));
  return "page-" + Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
}

// The whole log of a room, a stretch at a time.
export async function* everything(room: string, after: number, last: number): AsyncGenerator<Message[]> {
  while (after < last) {
    const { messages } = await call<{ messages: Message[] }>("history", { room, after, limit: 1000 });
    if (!messages.length) return;
    yield messages;
    after = messages[messages.length - 1]!.offset;
  }
}

// asText is one message as a line of a log: when, who, what. Bytes that are not text are written as hex.
export function asText(m: Message): string {
  const who = m.from === "me" ? t("me") : label(m.from);
  const body = m.text ?? "[hex] " + plainHex(fromBase64(m.base64 ?? ""));
  return `${stamp(new Date(m.time))}  ${who}  ${body.includes("\n") ? body.replace(/\n/g, "\n    ") : body}`;
}

export async function toClipboard(s: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(s);
    return true;
  } catch {
    const box = document.createElement("textarea");
    box.value = s;
    box.className = "away";
    document.body.append(box);
    box.select();
    const ok = document.execCommand("copy");
    box.remove();
    return ok;
  }
}

const copyLimit = 20_000; // messages

// copyRoom copies a conversation as text and says how many messages that were.
export async function copyRoom(room: string, from: number, last: number): Promise<string> {
  const parts: string[] = [];
  const after = Math.max(from - 1, last - copyLimit);
  for await (const ms of everything(room, after, last)) {
    for (const m of ms) if (m.offset <= last && !m.replaced) parts.push(asText(m));
  }
  if (!await toClipboard(parts.join("\n"))) return t("copy.no");
  return t(after > from - 1 ? "copied.newest" : "copied.n", { n: parts.length });
}

// saveRoom writes a conversation to a file of the browser's downloads.
export async function saveRoom(room: string, last: number, json: boolean, tell: (n: number) => void): Promise<string> {
  const parts: Blob[] = [];
  let n = 0;
  for await (const ms of everything(room, 0, last)) {
    const lines = ms.map((m) => (json ? JSON.stringify(m) : asText(m)));
    const mark = json && n ? ",\n" : "";
    parts.push(new Blob([mark + lines.join(json ? ",\n" : "\n") + (json ? "" : "\n")]));
    tell(n += ms.length);
  }
  const all = json ? new Blob(["[\n", ...parts, "\n]\n"], { type: "application/json" }) : new Blob(parts, { type: "text/plain;charset=utf-8" });
  const file = `tincan-${label(room).replace(/[^\p{L}\p{N}.-]+/gu, "-").slice(0, 60)}.${json ? "json" : "txt"}`;
  const a = document.createElement("a");
  a.href = URL.createObjectURL(all);
  a.download = file;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
  return t("saved", { n, file });
}
