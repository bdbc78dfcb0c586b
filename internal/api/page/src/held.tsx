import { useState } from "preact/hooks";
import { act } from "./actions.ts";
import { Ask } from "./fields.tsx";
import { count } from "./format.ts";
import type { Room } from "./types.ts";
import { t } from "./words.ts";

// Messages that wait for a decision, because the connection ended before they went out or were confirmed.

export function HeldBar({ room, live }: { room: Room; live: boolean }) {
  const [ask, setAsk] = useState(false);
  const h = room.held;
  if (!h) return null;
  const n = h.queued + h.uncertain;
  const text = !h.uncertain ? t("held.only.queued", { n: count(n) })
    : !h.queued ? t("held.only.uncertain", { n: count(n) }) : t("held.both", { n: count(n), m: count(h.uncertain) });
  return (
    <section class="held" aria-label={t("held")}>
      <p>{text}{!live && <small> · {t("held.away")}</small>}</p>
      <button class="small strong" disabled={!live} onClick={() => void act("held", { room: room.name, do: "send" })}>{t("held.send")}</button>
      <button class="small" onClick={() => setAsk(true)}>{t("held.discard")}</button>
      {ask && (
        <Ask title={t("held.discard.ask", { n: count(n) })} why={t("held.discard.why")} yes={t("held.discard.yes")}
          onNo={() => setAsk(false)} onYes={() => { setAsk(false); void act("held", { room: room.name, do: "discard" }); }} />
      )}
    </section>
  );
}
