import { useEffect, useRef, useState } from "preact/hooks";
import { act } from "./actions.ts";
import { call } from "./api.ts";
import { CopyButton, Field, Problem, Sheet, useTick } from "./fields.tsx";
import { clean, clock, count } from "./format.ts";
import { fingerprint } from "./names.ts";
import { explain, state } from "./node.ts";
import type { Code, Listener, Ticket } from "./types.ts";
import { t } from "./words.ts";

// How somebody is let in: a ticket to copy or to photograph, or a code to say aloud.

const uses = [1, 5, 100];
const hours = [1, 24, 24 * 7];

export function Invite({ l, onClose }: { l: Listener; onClose: () => void }) {
  const places = l.reach?.length ? l.reach : [l.addr];
  const [w, setWish] = useState({ addr: places[0]!, room: "", uses: 1, hours: 24 });
  const [ticket, setTicket] = useState<Ticket>();
  const [trouble, setTrouble] = useState<{ text: string; next: string }>();
  const [tickets, setTickets] = useState<Ticket[]>([]);
  const unused = useRef<string>(undefined); // the one that is shown; another wish has another made in its place
  const list = async () => setTickets((await call<{ tickets: Ticket[] }>("tickets")).tickets);
  useEffect(() => {
    let over = false;
    const make = async () => {
      try {
        if (unused.current) await call("revoke", { ticket: unused.current });
        unused.current = undefined;
        const made = await call<Ticket>("ticket", { addr: w.addr, room: w.room.trim(), uses: w.uses, valid_s: w.hours * 3600 });
        unused.current = made.id;
        if (over) return;
        setTicket(made);
        setTrouble(undefined);
        await list();
      } catch (e) {
        setTicket(undefined);
        setTrouble(explain(e));
      }
    };
    const id = setTimeout(() => void make(), ticket || trouble ? 400 : 0);
    return () => { over = true; clearTimeout(id); };
  }, [w]);
  const revoke = async (id: string) => {
    if (await act("revoke", { ticket: id })) await list().catch(() => {});
    if (id === ticket?.id) setTicket(undefined);
  };
  const others = tickets.filter((x) => x.id !== ticket?.id);
  return (
    <Sheet title={t("invite")} onClose={onClose}>
      <p class="note">{t(`invite.how.${l.admit ?? "ticket"}`)}</p>
      <section aria-label={t("ticket")}>
        <h3>{t("ticket")}</h3>
        <Problem text={trouble?.text} next={trouble?.next} />
        {ticket?.url && (
          <div class="ticket">
            <div class="ticket-text">
              <code tabIndex={0} aria-label={t("ticket")}>{ticket.url}</code>
              <p class="ticket-copy"><CopyButton text={ticket.url} what={t("ticket")} word={t("ticket.copy")} /></p>
              <p class="note">{t("ticket.left", { n: ticket.uses, when: clock(new Date(ticket.expires)) })}<br />{t("ticket.why")}</p>
            </div>
            {ticket.qr && <QR rows={ticket.qr} />}
          </div>
        )}
        <details class="more">
          <summary>{t("ticket.options")}</summary>
          {places.length > 1 && (
            <Field label={t("address")} wide>
              {(id) => <select id={id} value={w.addr} onChange={(e) => setWish({ ...w, addr: e.currentTarget.value })}>{places.map((a) => <option key={a}>{a}</option>)}</select>}
            </Field>
          )}
          <Field label={t("ticket.uses")} wide>
            {(id) => <select id={id} value={String(w.uses)} onChange={(e) => setWish({ ...w, uses: Number(e.currentTarget.value) })}>{uses.map((n) => <option key={n} value={String(n)}>{t("ticket.uses.n", { n })}</option>)}</select>}
          </Field>
          <Field label={t("ticket.valid")} wide>
            {(id) => <select id={id} value={String(w.hours)} onChange={(e) => setWish({ ...w, hours: Number(e.currentTarget.value) })}>{hours.map((n) => <option key={n} value={String(n)}>{t(n < 48 ? "ticket.hours" : "ticket.days", { n: n < 48 ? n : n / 24 })}</option>)}</select>}
          </Field>
          {!l.room && (
            <Field label={t("guest.room")} note={t("ticket.room.why")} wide>
              {(id) => <input id={id} autocomplete="off" spellcheck={false} value={w.room} placeholder={t("guest.room.example")} onInput={(e) => setWish({ ...w, room: e.currentTarget.value })} />}
            </Field>
          )}
        </details>
        {others.length > 0 && (
          <details class="more">
            <summary>{t("tickets", { n: count(others.length) })}</summary>
            <ul class="tickets">
              {others.map((x) => (
                <li key={x.id}>
                  <code>{x.id}</code>
                  <span class="note">{x.room && clean("/" + x.room) + " · "}{t("ticket.left", { n: x.uses, when: clock(new Date(x.expires)) })}</span>
                  <button class="small" aria-label={t("ticket.revoke.this", { id: x.id })} onClick={() => void revoke(x.id)}>{t("ticket.revoke")}</button>
                </li>
              ))}
            </ul>
          </details>
        )}
      </section>
      <Spoken addr={w.addr} room={w.room.trim()} />
      <p class="note own">{t("own.key")} <code>{fingerprint(state.status?.id ?? "")}</code></p>
    </Sheet>
  );
}

// Spoken is a pairing code, large enough to read aloud, and how long it is good.
function Spoken({ addr, room }: { addr: string; room: string }) {
  const [code, setCode] = useState<Code>();
  const [trouble, setTrouble] = useState<{ text: string; next: string }>();
  useTick(1000, !!code);
  const left = code ? Math.max(0, Math.ceil((Date.parse(code.expires) - Date.now() - state.skew) / 1000)) : 0;
  const make = async () => {
    try {
      setCode(await call<Code>("code", room ? { room } : {}));
      setTrouble(undefined);
    } catch (e) {
      setTrouble(explain(e));
    }
  };
  return (
    <section class="spoken" aria-label={t("code")}>
      <h3>{t("code")}</h3>
      <Problem text={trouble?.text} next={trouble?.next} />
      {code && left > 0 ? (
        <>
          <p class="code" role="status"><b>{code.code}</b></p>
          <p class="code-left"><span>{t("code.left", { m: Math.floor(left / 60), s: String(left % 60).padStart(2, "0") })}</span></p>
          <p class="note">{t("code.how", { addr })}</p>
        </>
      ) : <p class="note">{t(code ? "code.gone" : "code.what")}</p>}
      <button class="small" onClick={() => void make()}>{t(code ? "code.another" : "code.make")}</button>
    </section>
  );
}

// QR draws a code as one path, black on white in every theme: a camera wants it so.
function QR({ rows }: { rows: string[] }) {
  let d = "";
  rows.forEach((row, y) => {
    for (const run of row.matchAll(/1+/g)) d += `M${run.index} ${y}h${run[0].length}v1h-${run[0].length}z`;
  });
  const n = rows.length;
  return (
    <svg class="qr" viewBox={`0 0 ${n} ${n}`} role="img" aria-label={t("ticket.qr")} shape-rendering="crispEdges">
      <rect width={n} height={n} fill="#fff" />
      <path d={d} fill="#000" />
    </svg>
  );
}
