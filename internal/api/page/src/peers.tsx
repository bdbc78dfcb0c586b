import { useState } from "preact/hooks";
import { act } from "./actions.ts";
import { call } from "./api.ts";
import { Ask, CopyButton, Problem, Sheet } from "./fields.tsx";
import { clean, clock } from "./format.ts";
import { fingerprint } from "./names.ts";
import { changed, explain, loadPeers, state } from "./node.ts";
import type { Peer } from "./types.ts";
import { t, tOr } from "./words.ts";

// Who may talk: the keys that were met, and those that ask to come in.

const asks = () => state.peers.filter((p) => p.state === "asking");

async function decide(p: Peer, to: "trusted" | "blocked"): Promise<void> {
  await act("peer", { peer: p.id, state: to });
  await loadPeers();
}

// called is what a key is called: the name given to it here, or what it says of itself, in quotes.
function called(p: Peer): string {
  return p.name ? clean(p.name) : p.called ? `"${clean(p.called)}"` : t("peer.nameless");
}

// AskingBar is on top of the page as long as somebody waits for an answer.
export function AskingBar() {
  const all = asks().filter((p) => !state.later.has(p.id));
  return (
    <div class="askings">
      {all.slice(0, 3).map((p) => (
        <section key={p.id} class="banner asking" role="alert" aria-label={t("asking.is", { who: called(p) })}>
          <p>
            <b>{t("asking.is", { who: called(p) })}</b> <small>{p.addr}</small>
            <span class="prints">
              <span>{t("key.theirs")} <code>{fingerprint(p.id)}</code></span>
              <span>{t("key.ours")} <code>{fingerprint(state.status?.id ?? "")}</code></span>
            </span>
            <small>{t("asking.compare")}</small>
          </p>
          <button class="small strong" onClick={() => void decide(p, "trusted")}>{t("asking.accept")}</button>
          <button class="small" onClick={() => void decide(p, "blocked")}>{t("asking.refuse")}</button>
          <button class="small quiet" onClick={() => { state.later.add(p.id); changed(); }}>{t("asking.later")}</button>
        </section>
      ))}
    </div>
  );
}

export function PeersButton() {
  const [open, setOpen] = useState(false);
  const n = asks().length;
  return (
    <>
      <button class={n ? "small" : "small quiet"} onClick={() => { void loadPeers(); setOpen(true); }}>
        {t("peers")}{n > 0 && <> <span class="unread" aria-label={t("peers.ask", { n })}>{n}</span></>}
      </button>
      {open && <Peers onClose={() => setOpen(false)} />}
    </>
  );
}

function Peers({ onClose }: { onClose: () => void }) {
  const id = state.status?.id ?? "";
  return (
    <Sheet title={t("peers")} onClose={onClose}>
      <p class="note own">{t("own.key")} <code>{fingerprint(id)}</code><CopyButton text={id} what={t("own.id")} /></p>
      {state.peers.length === 0 && <p class="note">{t("peers.none")}</p>}
      <ul class="peers">{state.peers.map((p) => <One key={p.id} p={p} />)}</ul>
    </Sheet>
  );
}

function One({ p }: { p: Peer }) {
  const [name, setName] = useState<string>();
  const [ask, setAsk] = useState(false);
  const [trouble, setTrouble] = useState<{ text: string; next: string }>();
  const who = called(p);
  const rename = async (e: Event) => {
    e.preventDefault();
    try {
      await call("peer", { peer: p.id, name: name!.trim() });
      setName(undefined);
      setTrouble(undefined);
      await loadPeers();
    } catch (e) {
      setTrouble(explain(e));
    }
  };
  const about = [
    p.via && tOr("via.", p.via), p.host && t("peer.host"), p.room && t("peer.room", { room: clean(p.room) }),
    p.links?.length ? t("peer.here") : t("peer.last", { when: clock(new Date(p.last)) }), p.addr,
  ].filter((s) => s);
  return (
    <li class={"peer " + p.state}>
      <div class="line">
        <i class={p.links?.length ? "dot live" : p.state === "asking" ? "dot wait" : p.state === "blocked" ? "dot bad" : "dot"} aria-hidden="true" />
        <b class={p.name ? "" : "unnamed"}>{who}</b>
        {p.name && p.called && p.called !== p.name && <small>{t("peer.calls", { name: clean(p.called) })}</small>}
        <span class={"tag " + p.state}>{t(`peer.state.${p.state}`)}</span>
      </div>
      <p class="print"><code>{fingerprint(p.id)}</code><CopyButton text={p.id} what={t("peer.id", { who })} /></p>
      <p class="note">{about.join(" · ")}</p>
      {name !== undefined && (
        <form class="line" onSubmit={rename}>
          <input aria-label={t("peer.name.of", { who })} value={name} autocomplete="off" spellcheck={false} maxLength={64} ref={(el) => { if (el && !el.dataset["met"]) { el.dataset["met"] = "1"; el.focus(); } }}
            onInput={(e) => setName(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === "Escape") { e.preventDefault(); e.stopPropagation(); setName(undefined); } }} />
          <button class="small strong">{t("peer.name.save")}</button>
          <button type="button" class="small" onClick={() => setName(undefined)}>{t("cancel")}</button>
        </form>
      )}
      <Problem text={trouble?.text} next={trouble?.next} />
      <div class="line can">
        {p.state !== "trusted" && <button class={p.state === "asking" ? "small strong" : "small"} aria-label={t("peer.trust.this", { who })} onClick={() => void decide(p, "trusted")}>{t(p.state === "asking" ? "asking.accept" : "peer.trust")}</button>}
        {p.state !== "blocked" && <button class="small" aria-label={t("peer.block.this", { who })} onClick={() => void decide(p, "blocked")}>{t(p.state === "asking" ? "asking.refuse" : "peer.block")}</button>}
        {name === undefined && <button class="small" aria-label={t("peer.rename.this", { who })} onClick={() => setName(p.name ?? p.called ?? "")}>{t("peer.rename")}</button>}
        <button class="small quiet" aria-label={t("peer.forget.this", { who })} onClick={() => setAsk(true)}>{t("peer.forget")}</button>
      </div>
      {ask && (
        <Ask title={t("peer.forget.ask", { who })} why={t("peer.forget.why")} yes={t("peer.forget.yes")}
          onNo={() => setAsk(false)} onYes={async () => { setAsk(false); await act("forget", { peer: p.id }); await loadPeers(); }} />
      )}
    </li>
  );
}
