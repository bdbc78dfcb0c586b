import { label } from "./address.ts";
import { clean, clock, count, micros, size, span } from "./format.ts";
import { state } from "./node.ts";
import type { Link, Room } from "./types.ts";
import { has, t, tOr } from "./words.ts";

// The lines between messages: when a connection came up, and how it ended.

export interface Mark {
  at: number;
  link: Link;
  up: boolean;
}

let made: { links: Link[]; ends: Link[] | undefined; marks: Mark[] } | undefined;

// dividers are all marks of a room, oldest first.
export function dividers(room: Room, links: Link[]): Mark[] {
  const ends = state.ends.get(room.name);
  if (made && made.ends === ends && same(made.links, links)) return made.marks;
  const marks: Mark[] = [];
  for (const l of ends ?? []) {
    marks.push({ at: Date.parse(l.since), link: l, up: true });
    if (l.ended) marks.push({ at: Date.parse(l.ended), link: l, up: false });
  }
  for (const l of links) {
    if (!ends?.some((e) => e.id === l.id)) marks.push({ at: Date.parse(l.since), link: l, up: true });
  }
  marks.sort((a, b) => a.at - b.at || a.link.id - b.link.id || Number(b.up) - Number(a.up));
  made = { links, ends, marks };
  return marks;
}

function same(a: Link[], b: Link[]): boolean {
  return a.length === b.length && a.every((l, i) => l.id === b[i]!.id);
}

const most = 8; // in one place

export function Marks({ marks }: { marks: Mark[] }) {
  if (!marks.length) return null;
  const left = marks.length - most;
  return (
    <>
      {left > 0 && <p class="mark">{t("links.earlier", { n: Math.ceil(left / 2) })}</p>}
      {marks.slice(-most).map((m) => <p key={`${m.link.id}${m.up}`} class={m.up ? "mark up" : "mark"}><span>{m.up ? began(m.link) : ended(m.link)}</span></p>)}
    </>
  );
}

function began(l: Link): string {
  const peer = clean(label(l.peer));
  const who = t(l.dialled ? "up.dialled" : "up.accepted", { peer });
  const shake = l.handshake_us ? " · " + t("up.handshake", { time: micros(l.handshake_us) }) : "";
  return `${who}${shake} · ${clock(new Date(l.since))}`;
}

export function reason(l: Link): string {
  const r = l.reason ?? "";
  return has("reason." + r) ? tOr("reason.", r) : clean(r);
}

function ended(l: Link): string {
  const time = span(Date.parse(l.ended!) - Date.parse(l.since));
  const totals = t("down.totals", { in: count(l.messages_in), bin: size(l.bytes_in), out: count(l.messages_out), bout: size(l.bytes_out) });
  return `${t("down", { how: reason(l), time })} · ${totals} · ${clock(new Date(l.ended!))}`;
}
