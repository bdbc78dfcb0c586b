import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { disconnectAll, hangUp } from "./actions.ts";
import { label } from "./address.ts";
import { Ask, useTick } from "./fields.tsx";
import { isKey } from "./names.ts";
import { PeersButton } from "./peers.tsx";
import { clean, count } from "./format.ts";
import { select, state } from "./node.ts";
import { setTab } from "./prefs.ts";
import { type Row, rows } from "./store.ts";
import { isTicked, setTarget, target, tick } from "./target.ts";
import { t, type Word } from "./words.ts";

// All conversations in one list: those with something open first, the ended ones below. Only the rows that
// are seen are drawn.

const tall = 46; // px of a row, as in the style sheet
const many = 80; // rows from which on only those in sight are drawn

export function Rooms() {
  const { open, ended } = rows(state.status);
  const [ask, setAsk] = useState(false);
  const [past, setPast] = useState(false);
  const links = state.status?.links.length ?? 0;
  useTick(1000, open.some((r) => r.room.dial?.phase === "waiting"));
  return (
    <section class="rooms" aria-labelledby="rooms">
      <div class="heading">
        <h2 id="rooms">{t("rooms")}</h2>
        <PeersButton />
        {open.length > 0 && <button class="small quiet" onClick={() => setAsk(true)}>{t("disconnect.all")}</button>}
      </div>
      {open.length > 0 && (
        <label class="tick everyone">
          <input type="checkbox" checked={target() === "everyone"} onChange={(e) => setTarget(e.currentTarget.checked ? "everyone" : "this")} />
          <span>{t("room.everyone")}</span>
        </label>
      )}
      {open.length === 0 && <p class="note none">{t("rooms.none")}</p>}
      <Rows all={open} label={t("rooms")} grow />
      {ended.length > 0 && (
        <details class="past" open={past} onToggle={(e) => setPast(e.currentTarget.open)}>
          <summary>{t("rooms.ended", { n: count(ended.length) })}</summary>
          {past && <Rows all={ended} label={t("rooms.ended", { n: ended.length })} />}
        </details>
      )}
      {ask && (
        <Ask title={t("disconnect.all.ask", { n: count(links) })} why={t("disconnect.all.why")} yes={t("disconnect.all.yes", { n: count(links) })}
          onNo={() => setAsk(false)} onYes={() => { setAsk(false); void disconnectAll(); }} />
      )}
    </section>
  );
}

function Rows(p: { all: Row[]; label: string; grow?: boolean }) {
  const ref = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  useLayoutEffect(() => {
    const el = ref.current!;
    const watch = new ResizeObserver(() => setHeight(el.clientHeight));
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  const n = p.all.length;
  const cut = n > many;
  const first = cut ? Math.max(0, Math.min(n - 1, Math.floor(top / tall) - 4)) : 0;
  const last = cut ? Math.min(n, first + Math.ceil(height / tall) + 9) : n;
  const walk = (e: KeyboardEvent) => {
    if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
    e.preventDefault();
    const at = p.all.findIndex((r) => r.room.name === state.room);
    const next = p.all[Math.max(0, Math.min(n - 1, at + (e.key === "ArrowDown" ? 1 : -1)))];
    if (!next) return;
    select(next.room.name);
    const el = ref.current!;
    const y = p.all.indexOf(next) * tall;
    if (y < el.scrollTop) el.scrollTop = y;
    else if (y + tall > el.scrollTop + el.clientHeight) el.scrollTop = y + tall - el.clientHeight;
    requestAnimationFrame(() => el.querySelector<HTMLElement>("[aria-current] .name")?.focus());
  };
  return (
    <ul ref={ref} class={p.grow ? "list grow" : "list"} aria-label={p.label} onKeyDown={walk} hidden={n === 0}
      onScroll={(e) => cut && setTop(e.currentTarget.scrollTop)}>
      {first > 0 && <li class="gap" role="presentation" style={{ height: first * tall + "px" }} />}
      {p.all.slice(first, last).map((r, i) => <One key={r.room.name} r={r} at={first + i + 1} of={n} />)}
      {last < n && <li class="gap" role="presentation" style={{ height: (n - last) * tall + "px" }} />}
    </ul>
  );
}

function One({ r, at, of }: { r: Row; at: number; of: number }) {
  const name = r.room.name;
  const peer = clean(label(name));
  const unread = state.unread.get(name) ?? 0;
  const s = situation(r);
  const open = r.live || !!r.room.dial;
  return (
    <li class={state.room === name ? "room chosen" : "room"} aria-posinset={at} aria-setsize={of} {...(state.room === name ? { "aria-current": "true" as const } : {})}>
      {open
        ? <input type="checkbox" aria-label={t("room.choose", { peer })} title={t("room.choose", { peer })} checked={isTicked(name, !!r.live)}
            onChange={(e) => tick(name, e.currentTarget.checked)} />
        : <span class="nobox" />}
      <div class="about">
        <i class={"dot " + s.mood} aria-hidden="true" />
        {r.room.dialled && <i class="way" aria-hidden="true">→</i>}
        <button class="name" onClick={() => { select(name); setTab("talk"); }}>{peer}</button>
        {(r.room.pending?.messages ?? 0) > 0 && <span class="owes" title={t("pending.n", { n: r.room.pending!.messages })}>{"○" + count(r.room.pending!.messages)}</span>}
        {unread > 0 && <span class="unread" title={t("room.unread", { n: unread })}>{unread > 999 ? "999+" : unread}</span>}
        <span class="sub">{!r.live && r.room.codec && <span>{r.room.codec} · </span>}{clean(s.text)}<Counts r={r} /></span>
      </div>
      {r.room.dial && !r.live && r.room.dial.phase !== "stopped" && (
        <button class="small quiet" title={t("redial.stop")} onClick={() => void hangUp(name)}>{t("redial.stop")}</button>
      )}
    </li>
  );
}

function Counts({ r }: { r: Row }) {
  const l = r.links[0];
  if (!l || r.links.length > 1) return null;
  return (
    <>
      <span class="io" title={t("room.in")}> ↓{count(l.messages_in)}</span>
      <span class="io" title={t("room.out")}> ↑{count(l.messages_out)}</span>
    </>
  );
}

// left is how many seconds until a room's address is dialled again; undefined when that is not so.
export function left(r: Row["room"]): number | undefined {
  const d = r.dial;
  if (d?.phase !== "waiting") return undefined;
  const known = state.retries.get(r.name);
  const ms = known ? known.due - performance.now() : d.retry ? Date.parse(d.retry) - Date.now() : 0;
  return Math.max(0, Math.ceil(Math.min(ms, 60_000) / 1000));
}

// situation is where a conversation stands, in a word and a colour.
export function situation(r: Row): { text: string; mood: "live" | "wait" | "over" | "bad" } {
  const say = (word: Word, mood: "live" | "wait" | "over" | "bad", places?: Record<string, string | number>) => ({ text: t(word, places), mood });
  const held = (r.room.held?.queued ?? 0) + (r.room.held?.uncertain ?? 0);
  const l = r.links[0];
  if (l) {
    if (r.room.host) return { text: label(r.room.host), mood: l.phase === "closing" ? "wait" : "live" };
    const mixed = r.links.some((x) => x.codec !== l.codec);
    if (r.links.length > 1) return { text: `${mixed ? "" : l.codec + " · "}${t("room.here", { n: r.links.length })}`, mood: "live" };
    if (l.paused) return say("room.state.paused", "wait");
    if (l.phase === "peer finished") return say("room.state.finished", "wait");
    if (l.phase === "closing") return say("room.state.closing", "wait");
    return { text: l.choice === "undecided" ? "auto" : l.codec, mood: "live" };
  }
  switch (r.room.dial?.phase) {
    case "connecting":
      return say("room.state.connecting", "wait");
    case "waiting": {
      const n = left(r.room)!;
      return n ? say("room.state.waiting", "wait", { n }) : say("room.state.due", "wait");
    }
    case "connected":
      return { text: label(r.room.host ?? r.room.codec), mood: "live" };
    case "stopped":
      return r.room.dial.reason === "key differs" ? say("room.state.key", "bad") : say("room.state.stopped", "over");
  }
  const here = r.room.members?.filter((m) => m.here && isKey(m.peer)).length ?? 0;
  if (here) return say("room.here", "live", { n: here });
  if (r.room.shared && !r.room.host && r.room.members?.length) return say("room.empty", "over");
  return held ? say("room.held", "bad", { n: held }) : say("room.state.ended", "over");
}
