import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { act } from "./actions.ts";
import { label } from "./address.ts";
import { Ask, CopyButton, useTick } from "./fields.tsx";
import { clean, count, rough } from "./format.ts";
import { fingerprint, isKey } from "./names.ts";
import { loadPeers, state } from "./node.ts";
import type { Gap, Link, Room } from "./types.ts";
import { t, tOr } from "./words.ts";

// What a conversation between keys has beyond a plain one: who keeps it, what waits for its host, what is missing.

const shown = 12; // members

// Members says who keeps this room, and who is here now.
export function Members({ room, links }: { room: Room; links: Link[] }) {
  const all = (room.members ?? []).filter((m) => m.peer !== state.status?.id && m.peer !== room.host)
    .map((m) => ({ peer: m.peer, here: !!m.here }));
  for (const l of links) {
    if (!room.host && room.members?.length && !isKey(l.peer)) all.push({ peer: l.peer, here: true });
  }
  if (!room.host && !all.length) return null;
  const up = room.dial?.phase === "connected" || links.length > 0;
  all.sort((a, b) => Number(b.here) - Number(a.here));
  return (
    <ul class="members" aria-label={t("members")}>
      {room.host && <Who peer={room.host} here={up} note={t("member.host")} />}
      {all.slice(0, shown).map((m) => <Who key={m.peer} peer={m.peer} here={m.here} />)}
      {all.length > shown && <li>{t("others.more", { n: count(all.length - shown) })}</li>}
    </ul>
  );
}

function Who(p: { peer: string; here: boolean; note?: string }) {
  const title = isKey(p.peer) ? fingerprint(p.peer) : p.peer;
  return (
    <li class={p.here ? "" : "away-now"} title={title}>
      <i class={p.here ? "dot live" : "dot"} aria-hidden="true" />{clean(label(p.peer))}
      {p.note && <small>{p.note}</small>}<span class="unseen">{t(p.here ? "member.here" : "member.away")}</span>
    </li>
  );
}

// Owed says that what waits is kept, and will go out.
export function Owed({ room, live }: { room: Room; live: boolean }) {
  const p = room.pending;
  const ms = p ? Date.now() + state.skew - Date.parse(p.since) : 0;
  useTick(1000, !!p);
  if (!p || live && ms < 5000) return null;
  return (
    <p class="owed" role="status">
      <b>{t(p.messages === 1 ? "pending.one" : "pending.n", { n: count(p.messages) })}</b> {t("pending.since", { time: rough(ms) })} {room.dial && room.dial.phase !== "stopped" && <small>{t("pending.goes")}</small>}
    </p>
  );
}

// GapLines say what is missing in front of a row (upto), or behind the last one (after).
export function GapLines(p: { upto?: number; after?: number; first?: boolean }) {
  const gaps = state.gaps.filter((g) => p.upto !== undefined ? g.last + 1 === p.upto : g.last >= p.after! && p.after! > 0);
  const base = state.log?.base ?? 0;
  if (p.first && base > 0 && !gaps.length) gaps.push({ after: 0, first: 1, last: base, reason: "trimmed", time: "" });
  return <>{gaps.map((g) => <p key={g.first} class="mark gap-line"><span>{gapSaid(g)}</span></p>)}</>;
}

function gapSaid(g: Gap): string {
  const n = g.last - g.first + 1;
  return t("send.to", {
    who: n === 1 ? t("gap.one", { n: count(g.first) }) : t("gap.n", { n: count(n), first: count(g.first), last: count(g.last) }),
    why: tOr("gap.why.", g.reason),
  });
}

// Asked is what a guest sees while the host's operator decides.
export function Asked({ room, n, children }: { room: Room; n: number; children: ComponentChildren }) {
  return (
    <div class="say wait asked">
      <div>
        <p><b>{t("asked")}</b> {t("asked.why")}</p>
        <p class="prints">
          <span>{t("key.ours")} <code>{fingerprint(state.status?.id ?? "")}</code></span>
          {room.host && <span>{t("key.theirs")} <code>{fingerprint(room.host)}</code></span>}
        </p>
        <small>{t("asked.again", { n })}</small>
      </div>
      {children}
    </div>
  );
}

const print = /\b[a-z2-7]{4}(?: [a-z2-7]{4}){4}\b/g;

// KeyAlarm stands where the connection would be when the host shows another key than it had.
export function KeyAlarm({ room }: { room: Room }) {
  const [ask, setAsk] = useState(false);
  const host = room.host ?? "";
  const seen = (room.dial?.error ?? "").match(print) ?? [];
  const command = `tincan forget ${host}`;
  return (
    <section class="alarm" role="alert" aria-labelledby="alarm">
      <h2 id="alarm">{t("key.changed", { who: clean(label(room.name)) })}</h2>
      <p>{t("key.changed.why")}</p>
      <dl>
        <dt>{t("key.known")}</dt><dd><code>{host ? fingerprint(host) : seen[0]}</code></dd>
        <dt>{t("key.shown")}</dt><dd><code>{seen.at(-1) ?? "?"}</code></dd>
      </dl>
      <p>{t("key.repair")}</p>
      <div class="buttons">
        <button class="small" onClick={() => void act("redial", { room: room.name })}>{t("redial")}</button>
        {host && <button class="small danger" onClick={() => setAsk(true)}>{t("key.forget")}</button>}
        {host && <span class="command"><code>{command}</code><CopyButton text={command} what={t("key.command")} /></span>}
      </div>
      {ask && (
        <Ask title={t("key.forget.ask")} why={t("key.forget.why")} yes={t("key.forget")} onNo={() => setAsk(false)}
          onYes={async () => { setAsk(false); await act("forget", { peer: host }); await loadPeers(); }} />
      )}
    </section>
  );
}
