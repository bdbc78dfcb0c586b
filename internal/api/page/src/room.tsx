import { useEffect, useState } from "preact/hooks";
import { act, copyRoom, hangUp, redial, saveRoom, setCodec, setEncoding, toClipboard } from "./actions.ts";
import { label } from "./address.ts";
import { Composer } from "./composer.tsx";
import { CodecChoice, Icon, Problem, Radios, useTick } from "./fields.tsx";
import { clean, count } from "./format.ts";
import { HeldBar } from "./held.tsx";
import { Asked, KeyAlarm, Members, Owed } from "./native.tsx";
import { List } from "./list.tsx";
import { changed, complain, explain, shown, showLink, state } from "./node.ts";
import { prefs, setDrawer, setView } from "./prefs.ts";
import { left, situation } from "./rooms.tsx";
import { linksOf, roomOf, type Row, rows } from "./store.ts";
import { cause, why } from "./steps.ts";
import type { Link, Room as RoomStatus } from "./types.ts";
import { t, tOr } from "./words.ts";
import { Welcome } from "./welcome.tsx";

// One conversation: who it is with, what was said, and the box to answer.

export function Room() {
  const name = state.room;
  const links = linksOf(state, name);
  const room = roomOf(state, name) ?? (name === undefined ? undefined
    : { name, last: state.log?.last ?? 0, updated: "", codec: links[0]?.codec ?? "" });
  if (!room) {
    return (
      <main class="talk">
        <header class="head"><h1>{t("room.none")}</h1><TCPButton /></header>
        <Welcome />
      </main>
    );
  }
  const row = rows(state.status).open.find((r) => r.room.name === room.name) ?? { room, links, live: links.length > 0 };
  const l = shown();
  const empty = !state.log?.last && !state.pending.length && !links.length && !room.dial && !state.ends.get(room.name)?.length;
  return (
    <main class="talk">
      <Head row={row} l={l} />
      <Tools room={room} l={l} />
      <Members room={room} links={links} />
      <State row={row} l={l} />
      {empty ? <div class="void"><p>{t("welcome.no.messages")}</p></div> : <List key={room.name} room={room} />}
      <Half links={links} shared={!!room.shared} />
      <HeldBar room={room} live={row.live} />
      <Owed room={room} live={row.live} />
      <Composer room={room} row={row} />
    </main>
  );
}

function TCPButton() {
  return (
    <button class="drawer-button small" aria-expanded={prefs.drawer} onClick={() => setDrawer(!prefs.drawer)}>
      <Icon is="panel" /> {t("tcp")}
    </button>
  );
}

function Head({ row, l }: { row: Row; l: Link | undefined }) {
  const s = situation(row);
  const word = s.mood === "live" ? t("room.state.live") : s.text;
  useTick(500, row.room.dial?.phase === "waiting");
  return (
    <header class="head">
      <h1 title={row.room.name}>{clean(label(row.room.name))}</h1>
      <span class={"state " + s.mood}><i class={"dot " + s.mood} aria-hidden="true" />{word}</span>
      {row.links.length > 1 && (
        <select class="which" aria-label={t("link.which")} value={String(l?.id)} onChange={(e) => showLink(Number(e.currentTarget.value))}>
          {row.links.map((x) => <option key={x.id} value={String(x.id)}>{clean(label(x.peer))}</option>)}
        </select>
      )}
      <span class="push" />
      {l && !l.paused && l.codec !== "tincan" && <button class="small" onClick={() => void act("reading", { link: l.id, do: "pause" })}>{t("pause")}</button>}
      {l?.paused && <button class="small" onClick={() => void act("reading", { link: l.id, do: "one" })}>{t("read.one")}</button>}
      {l?.paused && <button class="small strong" onClick={() => void act("reading", { link: l.id, do: "resume" })}>{t("resume")}</button>}
      {l && <button class="small" onClick={() => void (l.room === row.room.name ? act("disconnect", { link: l.id }) : hangUp(row.room.name))}>{t("disconnect")}</button>}
      <TCPButton />
    </header>
  );
}

const encodings = ["utf-8", "gbk", "gb18030", "big5", "shift-jis", "utf-16le", "utf-16be", "latin-1"];

function Tools({ room, l }: { room: RoomStatus; l: Link | undefined }) {
  const [trouble, setTrouble] = useState<{ text: string; next: string }>();
  const [picked, setPicked] = useState<{ link: number; codec: string }>();
  const [told, setTold] = useState("");
  const tell = (s: string) => {
    setTold(s);
    setTimeout(() => setTold((now) => (now === s ? "" : now)), 4000);
  };
  // The arrow keys change a closed list at every step: what is passed on the way is not tried.
  useEffect(() => {
    if (!picked) return undefined;
    const id = setTimeout(async () => {
      try {
        await setCodec(picked.link, picked.codec);
        setTrouble(undefined);
      } catch (e) {
        setTrouble(explain(e));
      }
      setPicked((now) => now === picked ? undefined : now);
    }, 400);
    return () => clearTimeout(id);
  }, [picked]);
  const codec = picked && picked.link === l?.id ? picked.codec : l?.choice === "undecided" ? "auto" : l?.codec;
  const doing = async (f: () => Promise<string>) => {
    try {
      tell(await f());
    } catch (e) {
      complain(e);
    }
  };
  const log = state.log!;
  const save = (json: boolean) => doing(() => saveRoom(room.name, log.last, json, (n) => setTold(t("saving", { n: count(n), all: count(log.last) }))));
  const copy = () => doing(async () => {
    const chosen = String(getSelection() ?? "");
    if (chosen && getSelection()?.anchorNode?.parentElement?.closest(".log")) return await toClipboard(chosen) ? t("copied.selection") : t("copy.no");
    return copyRoom(room.name, log.cleared, log.last);
  });
  return (
    <>
      <div class="tools">
        <Radios label={t("show")} name="view" value={prefs.view} choices={[["text", "text"], ["hex", "hex"]]} onChoose={setView} />
        {l?.codec === "tincan" ? <span class="tag" title={t("native.why")}>{l.codec}</span> : l && (
          <span class="pick">
            <CodecChoice label={t("codec.link")} value={codec!} auto={l.choice === "undecided"} brief onChoose={(c) => setPicked({ link: l.id, codec: c })} />
            <small>{tOr("choice.", l.choice)}</small>
          </span>
        )}
        <select aria-label={t("encoding")} title={t("encoding")} value={room.encoding || "utf-8"} onChange={(e) => void setEncoding(room.name, e.currentTarget.value)}>
          {encodings.map((e) => <option key={e} value={e}>{e.toUpperCase()}</option>)}
        </select>
        <span class="told" role="status">{told}</span>
        <span class="acts">
          <button class="small quiet" onMouseDown={(e) => e.preventDefault()} onClick={() => void copy()}>{t("copy")}</button>
          <button class="small quiet" onClick={() => { log.cleared = log.last + 1; state.tail = true; changed(); }}>{t("clear")}</button>
          <button class="small quiet" onClick={() => void save(false)}>{t("save.text")}</button>
          <button class="small quiet" onClick={() => void save(true)}>{t("save.json")}</button>
        </span>
      </div>
      <Problem text={trouble?.text} next={trouble?.next} />
    </>
  );
}

// final says whether a reason has a host not dialled again, beside that somebody here wished so.
function final(reason: string | undefined): boolean {
  return !!reason && ["blocked", "unknown key", "replaced", "unsupported", "malformed", "too large", "ack beyond sent", "pairing failed", "bye"].includes(reason);
}

// State is what needs to be said about the connection as a whole, with what can be done.
function State({ row, l }: { row: Row; l: Link | undefined }) {
  const { room } = row;
  const d = room.dial;
  if (l?.paused) return <p class="say wait">{t("paused")}</p>;
  if (l?.phase === "peer finished") return <p class="say wait">{t("finished")}</p>;
  if (l?.choice === "assumed") return <p class="say">{t("codec.assumed")}</p>;
  if (l) return null;
  const again = (strong: boolean) => (
    <button class={strong ? "small strong" : "small"} onClick={() => void redial(room)}>{t("redial")}</button>
  );
  const stop = <button class="small" onClick={() => void hangUp(room.name)}>{t("redial.stop")}</button>;
  const known = state.retries.get(room.name);
  switch (d?.phase) {
    case "connecting":
      return (
        <div class="say wait">
          <p>{t("dial.connecting", { addr: clean(d.url) })}{d.attempt > 1 && <small> {t("dial.attempts", { n: d.attempt - 1 })}{known && " · " + why(known.reason, known.detail, known.hint)}</small>}</p>
          {stop}
        </div>
      );
    case "waiting": {
      const n = left(room)!;
      if (d.reason === "unknown key" || known?.reason === "unknown key") return <Asked room={room} n={n}>{again(false)}{stop}</Asked>;
      const last = state.ends.get(room.name)?.[0];
      const { what, next } = known ? cause(known.reason, known.detail, known.hint)
        : d.error ? cause(d.reason ?? "", d.error, d.hint) : cause(last?.reason ?? "", last?.detail ?? "");
      return (
        <div class="say bad">
          <p>
            <b>{t("send.to", { who: clean(label(room.name)), why: what })}</b>
            {next && <span class="next">{next}</span>}
            <small>{t("dial.countdown", { n })}{!known?.link && <> · {t("dial.attempts", { n: d.attempt })}</>}</small>
          </p>
          {again(true)}{stop}
        </div>
      );
    }
    case "stopped": {
      if (d.reason === "key differs") return <KeyAlarm room={room} />;
      const end = state.ends.get(room.name)?.[0];
      const why = d.reason ? cause(d.reason, d.error ?? "", d.hint) : final(end?.reason) ? cause(end!.reason!, end!.detail ?? "") : undefined;
      if (!why) return <div class="say"><p>{t("dial.stopped")}</p>{again(true)}</div>;
      return <div class="say bad"><p><b>{t("send.to", { who: clean(label(room.name)), why: why.what })}</b>{why.next && <span class="next">{why.next}</span>}</p>{again(true)}</div>;
    }
  }
  if (d?.phase === "connected" || room.members?.length) return null;
  if (room.dialled) return <div class="say"><p>{t(state.ends.get(room.name)?.length ? "room.over.dialled" : "dial.over")}</p>{again(false)}</div>;
  return room.shared || !state.ends.get(room.name)?.length ? null : <div class="say"><p>{t("room.over")}</p></div>;
}

// Half is the message that is arriving.
function Half({ links, shared }: { links: Link[]; shared: boolean }) {
  const all = links.filter((l) => l.have);
  if (!all.length) return null;
  return (
    <div class="half">
      {all.slice(0, 3).map((l) => (
        <p key={l.id}>
          {shared && <b>{clean(label(l.peer))} </b>}
          {l.want ? <progress max={l.want} value={l.have} aria-label={t("half", { have: l.have!, want: l.want })} /> : null}
          {l.want ? t("half", { have: count(l.have!), want: count(l.want) }) : t("half.open", { have: count(l.have!) })}
        </p>
      ))}
    </div>
  );
}
