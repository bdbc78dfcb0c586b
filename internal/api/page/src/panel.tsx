import type { ComponentChildren } from "preact";
import { Buffers, Close, Handshake, Trace } from "./drawings.tsx";
import { Icon, useTick } from "./fields.tsx";
import { clean, clock, count, micros, size, span, stamp } from "./format.ts";
import { reason } from "./marks.tsx";
import { shown, state } from "./node.ts";
import { prefs, setDrawer, setExplain } from "./prefs.ts";
import type { Link } from "./types.ts";
import { has, t, tOr, type Word } from "./words.ts";

// The TCP connection of the conversation that is shown, in the three phases of its life, as they happened to
// it. A figure that the system does not offer is said to be absent, never invented.

export function Panel() {
  const live = shown();
  const l = live ?? (state.room === undefined ? undefined : state.ends.get(state.room)?.[0]);
  useTick(1000, !!live);
  return (
    <aside class={prefs.drawer ? "tcp out" : "tcp"} aria-label={t("tcp")}>
      <header class="head">
        <h2>{t("tcp")}</h2>
        {l && <span class={live ? "state live" : "state over"}><i class={live ? "dot live" : "dot over"} aria-hidden="true" />
          {live ? t("tcp.live") : t("tcp.ended", { when: clock(new Date(l.ended!)) })}</span>}
        <span class="push" />
        <label class="tick"><input type="checkbox" checked={prefs.explain} onChange={(e) => setExplain(e.currentTarget.checked)} /><span>{t("tcp.explain")}</span></label>
        <button class="icon drawer-button" aria-label={t("close")} onClick={() => setDrawer(false)}><Icon is="close" /></button>
      </header>
      <div class="phases" tabIndex={0} role="region" aria-label={t("tcp")}>
        {l ? <Phases l={l} live={!!live} /> : <p class="note">{state.room === undefined ? t("tcp.none") : t("tcp.never")}</p>}
      </div>
    </aside>
  );
}

function Phases({ l, live }: { l: Link; live: boolean }) {
  return (
    <>
      <Phase n="1" title={t("tcp.1")} why={l.dialled ? "tcp.1.why.dialled" : "tcp.1.why.accepted"} now={l.handshake_us ? "✓ " + micros(l.handshake_us) : "✓"}>
        <Handshake l={l} />
        <dl>
          <Fig name="fig.who" why="fig.who.why" value={t(l.dialled ? "fig.who.dialled" : "fig.who.accepted")} />
          <Fig name="fig.since" why="fig.since.why" value={stamp(new Date(l.since))} />
          <Fig name="fig.handshake" why={l.dialled ? "fig.handshake.why.dialled" : "fig.handshake.why.accepted"}
            value={l.handshake_us ? micros(l.handshake_us) : undefined} absent="absent.handshake" />
          <Fig name="fig.local" why="fig.local.why" value={l.local} />
          <Fig name="fig.remote" why="fig.remote.why" value={l.remote} />
          <Fig name="fig.mss" why="fig.mss.why" live={live} value={pair(l.tcp.send_mss, l.tcp.recv_mss, (n) => `${n} B`)} />
        </dl>
      </Phase>
      <Phase n="2" title={t("tcp.2")} why="tcp.2.why" now={`↓ ${size(l.bytes_in)}  ↑ ${size(l.bytes_out)}`}>
        {live && <Buffers tcp={l.tcp} />}
        {live && <Trace link={l.id} />}
        <Stream l={l} live={live} />
        {!live && <p class="note">{t("absent.ended")}</p>}
      </Phase>
      <Phase n="3" title={t("tcp.3")} why="tcp.3.why" now={live ? tOr("room.state.", l.phase === "peer finished" ? "finished" : l.phase === "closing" ? "closing" : "live") : reason(l)}>
        <Close l={l} live={live} />
        {live ? <Open l={l} /> : <Ended l={l} />}
      </Phase>
    </>
  );
}

function Phase(p: { n: string; title: string; why: Word; now: string; children: ComponentChildren }) {
  return (
    <section class="phase">
      <h3><span class="n">{p.n}</span>{p.title}<span class="now">{p.now}</span></h3>
      {prefs.explain && <p class="note">{t(p.why)}</p>}
      {p.children}
    </section>
  );
}

function Stream({ l, live }: { l: Link; live: boolean }) {
  const f = l.tcp;
  const traffic = (n: number, bytes: number) => t("fig.traffic", { n: count(n), bytes: size(bytes) });
  const silence = l.silence_ms;
  const rtt = f.rtt_us === undefined ? undefined : f.rttvar_us === undefined ? micros(f.rtt_us)
    : t("fig.rtt.value", { rtt: micros(f.rtt_us), var: micros(f.rttvar_us) });
  return (
    <dl>
      <Fig name="fig.in" why="fig.in.why" value={traffic(l.messages_in, l.bytes_in)} />
      <Fig name="fig.out" why="fig.out.why" value={traffic(l.messages_out, l.bytes_out)} />
      <Fig name="fig.acked" why="fig.acked.why" live={live} value={bytes(f.acked)} />
      <Fig name="fig.sendq" why="fig.sendq.why" live={live} value={bytes(f.send_queue)} hot={!!f.send_queue} />
      <Fig name="fig.notsent" why="fig.notsent.why" live={live} value={bytes(f.not_sent)} hot={!!f.not_sent} />
      <Fig name="fig.recvq" why="fig.recvq.why" live={live} value={bytes(f.recv_queue)} hot={!!f.recv_queue} />
      <Fig name="fig.rwnd" why="fig.rwnd.why" live={live} value={bytes(f.recv_window)} hot={f.recv_window === 0} />
      <Fig name="fig.swnd" why="fig.swnd.why" live={live} value={bytes(f.send_window)} hot={f.send_window === 0} />
      <Fig name="fig.rtt" why="fig.rtt.why" live={live} value={rtt} />
      <Fig name="fig.minrtt" why="fig.minrtt.why" live={live} value={f.min_rtt_us === undefined ? undefined : micros(f.min_rtt_us)} />
      <Fig name="fig.retrans" why="fig.retrans.why" live={live} value={plain(f.retransmits)} hot={!!f.retransmits} />
      <Fig name="fig.backoff" why="fig.backoff.why" live={live} value={plain(f.backoff)} hot={!!f.backoff} />
      <Fig name="fig.cwnd" why="fig.cwnd.why" live={live} value={plain(f.cwnd)} />
      <Fig name="fig.segments" why="fig.segments.why" live={live} value={pair(f.segments_in, f.segments_out, count)} />
      <Fig name="fig.silence" why="fig.silence.why" live={live} value={live ? span(silence) : undefined} />
      <Fig name="fig.lastack" why="fig.lastack.why" live={live} value={f.last_ack_ms === undefined ? undefined : span(f.last_ack_ms)} />
      <Fig name="fig.state" why="fig.state.why" live={live} value={f.state} />
    </dl>
  );
}

function Open({ l }: { l: Link }) {
  const open = span(Date.now() + state.skew - Date.parse(l.since));
  return (
    <dl>
      <Fig name="fig.open" why={l.phase === "established" ? "fig.open.why" : "fig.lasted.why"} value={open} />
      {l.phase === "peer finished" && <Fig name="fig.half" why="fig.half.why" value={t("fig.half.value")} hot />}
      {l.phase === "closing" && <Fig name="fig.closing" why="fig.closing.why" value={t("fig.closing.value")} hot />}
    </dl>
  );
}

// Who ended a connection follows from the reason: the journal's words do not change.
const peers = ["peer closed", "reset by peer"];
const nets = ["timed out", "unreachable", "network error"];

export function by(l: Link): "peer" | "network" | "here" {
  const r = l.reason ?? "";
  if (l.codec === "tincan" && /^the peer closed/.test(l.detail ?? "")) return "peer";
  return peers.includes(r) ? "peer" : nets.includes(r) ? "network" : "here";
}

function Ended({ l }: { l: Link }) {
  const how = "how." + l.reason;
  return (
    <dl>
      <Fig name="fig.by" why="fig.by.why" value={t(`fig.by.${by(l)}`)} />
      <Fig name="fig.how" says={has(how) ? tOr("how.", l.reason!) : clean(l.detail ?? "")} value={reason(l)} />
      <Fig name="fig.ended" why="fig.ended.why" value={stamp(new Date(l.ended!))} />
      <Fig name="fig.lasted" why="fig.lasted.why" value={span(Date.parse(l.ended!) - Date.parse(l.since))} />
    </dl>
  );
}

const bytes = (n: number | undefined) => (n === undefined ? undefined : size(n));
const plain = (n: number | undefined) => (n === undefined ? undefined : count(n));

function pair(a: number | undefined, b: number | undefined, write: (n: number) => string): string | undefined {
  if (a === undefined && b === undefined) return undefined;
  return [a, b].map((n) => (n === undefined ? "–" : write(n))).join(" / ");
}

// Fig is one figure: its name, its value or that there is none, and what it means.
function Fig(p: { name: Word; why?: Word; says?: string; value: string | undefined; live?: boolean; absent?: Word; hot?: boolean }) {
  if (p.value === undefined && p.live === false) return null; // Stream says so once for all
  const why = p.says ?? (p.why ? t(p.why) : "");
  return (
    <div class={p.hot ? "fig hot" : "fig"} title={prefs.explain ? undefined : why}>
      <dt>{t(p.name)}</dt>
      <dd>{p.value === undefined ? <em>{t(p.absent ?? "absent")}</em> : p.value}</dd>
      {prefs.explain && <dd class="why">{why}</dd>}
    </div>
  );
}
