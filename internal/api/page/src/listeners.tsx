import { useState } from "preact/hooks";
import { act } from "./actions.ts";
import { CopyButton } from "./fields.tsx";
import { clean, count } from "./format.ts";
import { Invite } from "./invite.tsx";
import { state } from "./node.ts";
import type { Listener } from "./types.ts";
import { t } from "./words.ts";

// What this node listens on, and what others can type to reach it.

export function Listeners() {
  const all = state.status?.listeners ?? [];
  if (!all.length) return null;
  return (
    <section class="listeners" aria-labelledby="listeners">
      <h2 id="listeners">{t("listeners")}</h2>
      <ul>{all.map((l) => <One key={l.id} l={l} />)}</ul>
    </section>
  );
}

function One({ l }: { l: Listener }) {
  const [invite, setInvite] = useState(false);
  const [first, ...rest] = (l.reach ?? []).filter((a) => a !== l.addr);
  return (
    <li>
      <div class="line">
        <i class={l.links ? "dot live" : "dot wait"} aria-hidden="true" />
        <b class="addr">{l.addr}</b>
        {first === undefined && <CopyButton text={l.addr} what={l.addr} />}
        {l.admit && <button class="small strong invite" aria-label={t("invite.to", { addr: l.addr })} onClick={() => setInvite(true)}>{t("invite")}</button>}
      </div>
      {invite && <Invite l={l} onClose={() => setInvite(false)} />}
      <div class="line under">
        <p class="note">
          <span class="tag">{l.codec}</span>{l.room && <> <span class="tag">/{clean(l.room)}</span></>}{" "}
          {l.admit && l.admit !== "ticket" && <><span class={"tag " + l.admit}>{t(`admit.tag.${l.admit}`)}</span>{" "}</>}
          {l.links ? t("listener.links", { n: count(l.links) }) : t("listener.waits")}
        {l.refused > 0 && <span class="warn"> · {t("listener.refused", { n: count(l.refused) })}</span>}
        </p>
        <button class="small" aria-label={t("listen.stop.on", { addr: l.addr })} onClick={() => void act("stop", { listener: l.id })}>
          {t("listen.stop")}
        </button>
      </div>
      {first !== undefined && (
        <div class="note reach">
          <span>{t("others.type")}</span>
          <Place addr={first} />
          {rest.length > 0 && <details><summary>{t("others.more", { n: rest.length })}</summary>{rest.map((a) => <Place key={a} addr={a} />)}</details>}
        </div>
      )}
    </li>
  );
}

function Place({ addr }: { addr: string }) {
  return <span class="can"><code>{addr}</code><CopyButton text={addr} what={addr} /></span>;
}
