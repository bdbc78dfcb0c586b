import { size } from "./format.ts";
import { state } from "./node.ts";
import { by } from "./panel.tsx";
import type { Link, TCP } from "./types.ts";
import { t } from "./words.ts";

// The drawings of the TCP panel: segments that cross between the two ends, buffers, and how they filled.

const left = 46;
const right = 254;

interface Segment {
  text: string;
  out: boolean; // from here to the peer
  y: number;
  faint?: boolean;
}

function Ladder(p: { segments: Segment[]; height: number; label: string }) {
  return (
    <svg class="ladder" viewBox={`0 0 300 ${p.height}`} role="img" aria-label={p.label}>
      <text class="end" x={left} y="11">{t("here")}</text>
      <text class="end" x={right} y="11">{t("there")}</text>
      <path class="life" d={`M${left} 17V${p.height - 2}M${right} 17V${p.height - 2}`} />
      {p.segments.map((s) => {
        const [a, b] = s.out ? [left, right] : [right, left];
        const to = s.y + 9;
        const d = s.out ? -1 : 1;
        return (
          <g key={s.y} class={s.faint ? "segment faint" : "segment"}>
            <path d={`M${a} ${s.y}L${b} ${to}M${b + 7 * d} ${to - 4}L${b} ${to}L${b + 7 * d} ${to + 3}`} />
            <text x="150" y={s.y + 2}>{s.text}</text>
          </g>
        );
      })}
    </svg>
  );
}

export function Handshake({ l }: { l: Link }) {
  const us = !!l.dialled;
  return (
    <Ladder height={84} label={t(us ? "tcp.1.why.dialled" : "tcp.1.why.accepted")} segments={[
      { text: "SYN", out: us, y: 24 }, { text: "SYN+ACK", out: !us, y: 44 }, { text: "ACK", out: us, y: 64 },
    ]} />
  );
}

export function Close({ l, live }: { l: Link; live: boolean }) {
  let segments: Segment[] = [];
  if (live) {
    if (l.phase === "peer finished") segments = [{ text: "FIN", out: false, y: 24 }, { text: "ACK", out: true, y: 44 }];
    else if (l.phase === "closing") segments = [{ text: "FIN", out: true, y: 24 }];
  } else {
    segments = ending(l);
  }
  if (!segments.length) return null;
  return <Ladder height={24 + 20 * segments.length} segments={segments} label={segments.map((s) => s.text).join(", ")} />;
}

// ending is what crossed at the end, as far as this side knows it.
function ending(l: Link): Segment[] {
  switch (l.reason) {
    case "reset by peer":
      return [{ text: "RST", out: false, y: 24 }];
    case "aborted here":
      return [{ text: "RST", out: true, y: 24 }];
    case "timed out":
      return [{ text: "…", out: true, y: 24, faint: true }];
  }
  const peer = by(l) === "peer";
  if (by(l) === "network") return [];
  return [{ text: "FIN", out: !peer, y: 24 }, { text: peer ? "ACK, FIN" : "ACK", out: peer, y: 44, faint: !peer }];
}

// Buffers are the two ends of this machine: what waits to be confirmed, and what waits to be read.
export function Buffers({ tcp }: { tcp: TCP }) {
  const q = tcp.send_queue;
  const r = tcp.recv_queue;
  return (
    <div class="buffers">
      {q !== undefined && (
        <Bar name={t("buffer.send")} value={size(q)} label={t("buffer.send.is", { n: size(q), m: size(tcp.not_sent ?? 0) })}
          parts={[[Math.max(0, q - (tcp.not_sent ?? 0)), "a"], [tcp.not_sent ?? 0, "b"]]} all={q + (tcp.send_window ?? 0)} />
      )}
      {r !== undefined && (
        <Bar name={t("buffer.recv")} value={size(r)} label={t("buffer.recv.is", { n: size(r), m: size(tcp.recv_window ?? 0) })}
          parts={[[r, "a"]]} all={r + (tcp.recv_window ?? 0)} />
      )}
    </div>
  );
}

function Bar(p: { name: string; value: string; label: string; parts: [number, string][]; all: number }) {
  let x = 0;
  return (
    <div class="bar" role="img" aria-label={p.label} title={p.label}>
      <span>{p.name}</span>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="room" width="100" height="8" />
        {p.parts.map(([n, kind]) => {
          const w = p.all ? 100 * n / p.all : 0;
          x += w;
          return <rect key={kind} class={"part " + kind} x={x - w} width={n ? Math.max(1, w) : 0} height="8" />;
        })}
      </svg>
      <b>{p.value}</b>
    </div>
  );
}

// Trace is the receive queue and the window over the time that the page has watched.
export function Trace({ link }: { link: number }) {
  const all = state.queues.filter((q) => q.link === link);
  if (all.length < 2 || !all.some((q) => q.queue > 0)) return null;
  const wide = Math.max(30, all.length);
  const top = Math.max(1, ...all.map((q) => Math.max(q.queue, q.window)));
  const line = (of: "queue" | "window") => all.map((q, i) =>
    `${i ? "L" : "M"}${(100 * i / (wide - 1)).toFixed(2)} ${(31 - 29 * q[of] / top).toFixed(2)}`).join("");
  const now = all[all.length - 1]!;
  return (
    <figure class="trace" title={t("history.queue")}>
      <svg viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label={t("history.queue")}>
        <path class="window" d={line("window")} />
        <path class="queue" d={line("queue")} />
      </svg>
      <figcaption>
        <span class="queue">{t("history.queue.now")} {size(now.queue)}</span>
        <span class="window">{t("history.window.now")} {size(now.window)}</span>
      </figcaption>
    </figure>
  );
}
