import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { dividers, type Mark, Marks } from "./marks.tsx";
import { Heights } from "./heights.ts";
import { span } from "./log.ts";
import { Item, Waiting } from "./message.tsx";
import { GapLines } from "./native.tsx";
import { useTick } from "./fields.tsx";
import { changed, state } from "./node.ts";
import { prefs } from "./prefs.ts";
import { count } from "./format.ts";
import type { Room } from "./types.ts";
import { linksOf } from "./store.ts";
import { t } from "./words.ts";

// The messages of a room: as many rows as the room has, of which those in sight are in the document. It stays
// at the end unless somebody scrolls up; then the row at the top stays where it is, whatever happens.

const beyond = 400; // px drawn above and below what is seen
const glide = 160; // ms after which a list that does not move has stopped
const pinned = 400; // rows at most that a selection keeps drawn

export function List({ room }: { room: Room }) {
  const log = state.log!;
  const box = useRef<HTMLDivElement>(null);
  const heights = useMemo(() => new Heights(prefs.view === "hex" ? 62 : 46), [log, prefs.view]);
  const anchor = useRef({ row: 1, into: 0 });
  const seen = useRef({ width: 0, height: 600 });
  const pin = useSelection(box);
  const pad = useRef<HTMLDivElement>(null);
  const drift = useRef(0); // px that the rows stand lower than they would
  const rolled = useRef(0); // when the list last scrolled
  const rest = useRef(0);
  const grip = useRef(false); // somebody holds the scroll bar
  const passes = useRef(0); // of measuring in a row
  const [, again] = useState(0);

  useTick(1000, state.pending.length > 0);
  const first = log.first;
  const last = log.last;
  const view = seen.current.height;
  const all = first <= last ? heights.between(first, last + 1) : 0;
  if (anchor.current.row < first) anchor.current = { row: first, into: 0 };
  const top = state.tail ? Math.max(0, all - view) : heights.between(first, anchor.current.row) + anchor.current.into;
  const range = sight(heights, top, view, first, last, pin.current);
  const marks = dividers(room, linksOf(state, room.name));

  useLayoutEffect(() => {
    if (range) log.want(range.from, range.to);
  });
  // What was drawn is measured. If that moves the row at the top, it is put back before anybody sees it: by the
  // room above the rows while the list is scrolling or its scroll bar is held: to set where it stands would stop it.
  useLayoutEffect(() => {
    const el = box.current!;
    if (!el.clientHeight) return; // another tab of the narrow page is shown
    let moved = false;
    for (const row of el.querySelectorAll<HTMLElement>("[data-row]")) {
      moved = heights.set(Number(row.dataset["row"]), row.offsetHeight) || moved;
    }
    const to = heights.between(first, anchor.current.row) + anchor.current.into;
    const above = range ? heights.between(first, range.from) : 0;
    const gliding = !state.tail && (grip.current || performance.now() - rolled.current < glide) && !!range && range.from > first;
    drift.current = gliding ? Math.max(-above, el.scrollTop - to) : 0;
    pad.current!.style.height = above + drift.current + "px";
    if (state.tail) {
      if (el.scrollTop + el.clientHeight < el.scrollHeight - 1) el.scrollTop = el.scrollHeight;
    } else if (Math.abs(el.scrollTop - to - drift.current) > 1) {
      el.scrollTop = to + drift.current;
    }
    passes.current = moved ? passes.current + 1 : 0;
    if (moved && passes.current < 6) again((n) => n + 1);
  });
  useEffect(() => {
    const el = box.current!;
    const watch = new ResizeObserver(() => {
      if (!el.clientHeight) return;
      if (seen.current.width !== el.clientWidth) heights.forget();
      seen.current = { width: el.clientWidth, height: el.clientHeight };
      again((n) => n + 1);
    });
    watch.observe(el);
    return () => watch.disconnect();
  }, [heights]);

  const scrolled = () => {
    const el = box.current!;
    const end = el.scrollTop + el.clientHeight >= el.scrollHeight - 3;
    if (end && !pin.current) { // of what is drawn: more may have arrived since
      state.tail = true;
      state.unread.delete(room.name);
    } else {
      state.tail = false;
    }
    const { row, into } = heights.at(Math.max(0, el.scrollTop - drift.current), first, last);
    anchor.current = { row, into };
    rolled.current = performance.now();
    clearTimeout(rest.current);
    rest.current = window.setTimeout(() => again((n) => n + 1), glide + 10);
    changed();
    again((n) => n + 1);
  };
  const toEnd = () => {
    state.tail = true;
    state.unread.delete(room.name);
    log.floor = Math.max(1, log.last - span);
    box.current!.scrollTop = box.current!.scrollHeight; // now: it ends a scroll that is still under way
    changed();
  };
  const keys = (e: KeyboardEvent) => {
    if (e.target !== e.currentTarget || e.ctrlKey || e.altKey || e.metaKey || e.shiftKey) return;
    if (e.key === "End") toEnd();
    else if (e.key === "Home") {
      anchor.current = { row: first, into: 0 };
      rolled.current = 0;
      state.tail = false;
      box.current!.scrollTop = 0;
      changed();
    } else return;
    e.preventDefault();
  };
  const loose = (e: PointerEvent) => {
    if (!grip.current || e.buttons) return;
    grip.current = false;
    again((n) => n + 1);
  };
  const rows = [];
  if (range) {
    for (let o = range.from; o <= range.to; o++) {
      const row = log.row(o);
      if (log.hole(o)) {
        rows.push(<div key={o} data-row={o} class="row hole" />);
        continue;
      }
      rows.push(
        <div key={o} data-row={o} class="row">
          {row && <GapLines upto={o} first={o === log.base + 1} />}
          {row && <Marks marks={between(marks, o > 1 ? log.row(o - 1)?.m.time : "", row.m.time)} />}
          {row ? <Item row={row} room={room} /> : <p class="coming">{t("loading")}</p>}
        </div>,
      );
    }
  }
  const tail = last ? log.row(last)?.m.time : "";
  const unread = state.unread.get(room.name) ?? 0;
  return (
    <div class="holder">
      <div ref={box} class="log" role="log" aria-label={t("messages")} aria-live={state.tail ? "polite" : "off"} tabIndex={0} onScroll={scrolled} onKeyDown={keys}
        onPointerDown={(e) => { grip.current = e.offsetX >= box.current!.clientWidth; }} onPointerMove={loose} onPointerUp={loose}>
        {log.cleared > 1 && (
          <p class="cleared">
            {t("cleared", { n: count(log.cleared - 1) })}
            <button class="small quiet" onClick={() => { log.cleared = 1; changed(); }}>{t("cleared.show")}</button>
          </p>
        )}
        {log.floor > log.base + 1 && log.floor > log.cleared && (
          <p class="cleared">
            <button class="small" onClick={() => { anchor.current = { row: log.floor, into: 0 }; state.tail = false; log.floor = Math.max(log.base + 1, log.floor - span); changed(); }}>
              {t("earlier", { n: count(log.floor - 1 - log.base) })}
            </button>
          </p>
        )}
        <div ref={pad} />
        {rows}
        <div style={{ height: (range ? heights.between(range.to + 1, last + 1) : 0) + "px" }} />
        <GapLines after={last} />
        {tail !== undefined && <Marks marks={between(marks, tail, "")} />}
        {state.pending.length > 0 && (
          <div class="pending" role="group" aria-label={t("pending")}>
            {state.pending.map((m) => <div key={m.id} class="row"><Waiting m={m} room={room} /></div>)}
          </div>
        )}
      </div>
      {!state.tail && (
        <button class="to-end" onClick={toEnd}>{unread ? t("new.below", { n: count(unread) }) : t("to.end")}</button>
      )}
    </div>
  );
}

// sight is which rows are drawn; undefined when there are none.
function sight(h: Heights, top: number, view: number, first: number, last: number, pin: [number, number] | undefined) {
  if (first > last) return undefined;
  const from = h.at(Math.max(0, top - beyond), first, last).row;
  let to = from;
  for (let y = -(top - beyond > 0 ? beyond : top); to < last && y < view + beyond; to++) y += h.of(to);
  if (pin && pin[1] - pin[0] < pinned && pin[0] >= first && pin[1] <= last && Math.abs(pin[0] - from) < pinned) {
    return { from: Math.min(from, pin[0]), to: Math.max(to, pin[1]) };
  }
  return { from, to };
}

// between are the marks after one time and not after another; "" is the beginning or the end, and undefined a
// message that is not here.
function between(marks: Mark[], after: string | undefined, upto: string): Mark[] {
  if (after === undefined) return [];
  const a = after ? Date.parse(after) : -Infinity;
  const b = upto ? Date.parse(upto) : Infinity;
  return marks.filter((m) => m.at > a && m.at <= b);
}

// useSelection follows which rows a selection spans, so that they stay in the document; and the list stays
// where it is as long as something is selected.
function useSelection(box: { current: HTMLDivElement | null }) {
  const pin = useRef<[number, number] | undefined>(undefined);
  useEffect(() => {
    const look = () => {
      const s = getSelection();
      const a = rowOf(s?.anchorNode, box.current);
      const b = rowOf(s?.focusNode, box.current);
      pin.current = s && !s.isCollapsed && a && b ? [Math.min(a, b), Math.max(a, b)] : undefined;
      if (pin.current) state.tail = false;
    };
    document.addEventListener("selectionchange", look);
    return () => document.removeEventListener("selectionchange", look);
  }, [box]);
  return pin;
}

function rowOf(n: Node | null | undefined, box: HTMLElement | null): number {
  const el = n instanceof Element ? n : n?.parentElement;
  return box?.contains(el ?? null) ? Number(el?.closest<HTMLElement>("[data-row]")?.dataset["row"] ?? 0) : 0;
}
