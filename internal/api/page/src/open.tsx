import { useState } from "preact/hooks";
import { act, dial, listen } from "./actions.ts";
import { address, checkHost, checkPort, type Guest, invited, isNative, type Place, speaksNative, split } from "./address.ts";
import { CodecChoice, Field, needs, Problem } from "./fields.tsx";
import { explain, state } from "./node.ts";
import { remember, setTab, store } from "./prefs.ts";
import { roomOf } from "./store.ts";
import { t } from "./words.ts";

// The two ways to a conversation: listen, or connect.

type Side = "listen" | "connect";
interface Trouble { text: string; next?: string; at?: "host" | "port" } // at: the field that it is about

function recall(side: Side, codec: string): Place {
  const fresh = { host: "", port: side === "listen" ? "7000" : "", codec, tls: false, options: "", room: "" };
  try {
    return { ...fresh, ...JSON.parse(remember(side) ?? "{}") as Partial<Place> };
  } catch {
    return fresh;
  }
}

function wrong(x: Trouble | undefined, at: Trouble["at"]): string | undefined {
  return x?.at === at ? x?.text : undefined;
}

const admits = ["ticket", "ask", "open"] as const;

export function Open() {
  const [side, setSide] = useState<Side>("listen");
  return (
    <section class="open" aria-label={t("open")}>
      <div role="tablist" class="pair" aria-label={t("open")}>
        {(["listen", "connect"] as const).map((s) => (
          <button key={s} type="button" role="tab" id={"tab-" + s} aria-selected={side === s} aria-controls={"open-" + s}
            tabIndex={side === s ? 0 : -1} onClick={() => setSide(s)}
            onKeyDown={(e) => {
              if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
              const other = s === "listen" ? "connect" : "listen";
              setSide(other);
              document.getElementById("tab-" + other)?.focus();
            }}>
            {t(s)}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="open-listen" aria-labelledby="tab-listen" hidden={side !== "listen"}><ListenForm /></div>
      <div role="tabpanel" id="open-connect" aria-labelledby="tab-connect" hidden={side !== "connect"}><ConnectForm /></div>
    </section>
  );
}

function ListenForm() {
  const [p, set] = useState(() => recall("listen", "auto"));
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>();
  const addresses = (state.status?.addresses ?? []).filter((a) => a !== "127.0.0.1");
  const host = p.host === "" || p.host === "127.0.0.1" || addresses.includes(p.host) ? p.host : "";
  const admit = admits.find((a) => a === p.admit) ?? "ticket";
  const submit = async (e: Event) => {
    e.preventDefault();
    const bad = checkPort(p.port, 0);
    if (bad) return setTrouble({ text: t(bad), at: "port" });
    setBusy(true);
    try {
      await listen(address({ ...p, host }));
      store("listen", JSON.stringify({ ...p, host, room: "" }));
      setTrouble(undefined);
    } catch (e) {
      setTrouble(explain(e));
    }
    setBusy(false);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Field label={t("address")} wide>
        {(id) => (
          <select id={id} value={host} onChange={(e) => set({ ...p, host: e.currentTarget.value })}>
            <option value="">{t("address.all")}</option>
            <option value="127.0.0.1">{t("address.loopback")}</option>
            {addresses.map((a) => <option key={a} value={a}>{a}</option>)}
          </select>
        )}
      </Field>
      <Field label={t("port")} wrong={wrong(trouble, "port")}>
        {(id, why) => <input id={id} class="port" inputMode="numeric" autocomplete="off" spellcheck={false} value={p.port} title={t("port.any")}
          aria-invalid={!!why} aria-describedby={why} onInput={(e) => { setTrouble(undefined); set({ ...p, port: e.currentTarget.value }); }} />}
      </Field>
      <CodecField p={p} set={set} auto />
      {speaksNative(p) && (
        <Field label={t("admit")} note={t(`admit.why.${admit}`)} wide>
          {(id) => (
            <select id={id} value={admit} onChange={(e) => set({ ...p, admit: e.currentTarget.value })}>
              {admits.map((a) => <option key={a} value={a}>{t(`admit.${a}`)}</option>)}
            </select>
          )}
        </Field>
      )}
      <More p={p} set={set} side="listen" />
      {!trouble?.at && <Problem text={trouble?.text} next={trouble?.next} />}
      <button class="go" disabled={busy}>{t("listen.do")}</button>
    </form>
  );
}

function CodecField({ p, set, auto }: { p: Place; set: (p: Place) => void; auto?: boolean }) {
  const choose = (codec: string) => {
    const options = Object.values(needs).includes(p.options) ? "" : p.options;
    set({ ...p, codec, options: options || needs[codec] || "", tls: p.tls && codec !== "tincan" });
  };
  return (
    <Field label={t("codec")} wide>
      {(id) => <CodecChoice id={id} value={p.codec} native {...(auto ? { auto } : {})} onChoose={choose} />}
    </Field>
  );
}

// More is what few need: TLS, options, a shared room.
function More({ p, set, side }: { p: Place; set: (p: Place) => void; side: Side }) {
  const auto = p.codec === "auto";
  const native = p.codec === "tincan";
  return (
    <details class="more" open={p.tls || p.options !== "" || p.room !== ""}>
      <summary>{t("more")}</summary>
      {!native && <Field label={t("options")} note={t("options.why")} wide>
        {(id) => <input id={id} class="mono" autocomplete="off" spellcheck={false} value={p.options} placeholder={t("options.example")}
          disabled={auto && !p.options} onInput={(e) => set({ ...p, options: e.currentTarget.value })} />}
      </Field>}
      {!native && <label class="tick">
        <input type="checkbox" checked={p.tls} onChange={(e) => set({ ...p, tls: e.currentTarget.checked })} />
        <span>{t("tls")} <small>{t(side === "listen" ? "tls.listen" : "tls.connect")}</small></span>
      </label>}
      {side === "listen" && (
        <Field label={t("shared")} note={t("shared.why")} wide>
          {(id) => <input id={id} autocomplete="off" spellcheck={false} value={p.room} onInput={(e) => set({ ...p, room: e.currentTarget.value })} />}
        </Field>
      )}
    </details>
  );
}

const stranger: Guest = { code: "", accept: false, history: "all" };

function ConnectForm() {
  const [p, set] = useState(() => recall("connect", "lines"));
  const [g, setGuest] = useState(stranger);
  const [trouble, setTrouble] = useState<Trouble>();
  const [room, setRoom] = useState<string>();
  const [asked, setAsked] = useState(false);
  const d = roomOf(state, room)?.dial;
  const connecting = asked || d?.phase === "connecting" && d.attempt <= 1;
  const whole = isNative(p.host); // an address of the native protocol, such as a ticket: it has all that is needed
  const native = whole || p.codec === "tincan";
  const submit = async (e: Event) => {
    e.preventDefault();
    if (connecting) return;
    const to = whole ? p : { ...p, ...split(p.host) };
    if (!whole) {
      set(to);
      if (!to.host.trim() || !to.port.trim()) return setTrouble({ text: t("empty.place"), at: to.host.trim() ? "port" : "host" });
      const badHost = checkHost(to.host);
      if (badHost) return setTrouble({ text: t(badHost), at: "host" });
      const badPort = checkPort(to.port, 1);
      if (badPort) return setTrouble({ text: t(badPort), at: "port" });
    }
    setTrouble(undefined);
    setAsked(true);
    try {
      const addr = whole ? invited(p.host, g) : to.codec === "tincan" ? invited(address({ ...to, tls: false, options: "", admit: "" }), g) : address({ ...to, room: "" });
      const r = await dial(addr);
      setRoom(r.name);
      if (whole) set({ ...p, host: "" }); // a ticket is used up, and as secret as a password
      else store("connect", JSON.stringify({ ...to, room: "" }));
      setGuest(stranger);
      setTab("talk");
    } catch (e) {
      set(p); // as it was typed: an unknown codec is not to stay among those that one can choose
      setTrouble(explain(e));
    }
    setAsked(false);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Field label={t("server")} wrong={wrong(trouble, "host")} wide>
        {(id, why) => <input id={id} autocomplete="off" autocapitalize="off" spellcheck={false} value={p.host} placeholder={t("server.example")}
          aria-invalid={!!why} aria-describedby={why} onInput={(e) => { setTrouble(undefined); set({ ...p, host: e.currentTarget.value }); }} />}
      </Field>
      {!whole && (
        <Field label={t("port")} wrong={wrong(trouble, "port")}>
          {(id, why) => <input id={id} class="port" inputMode="numeric" autocomplete="off" spellcheck={false} value={p.port}
            aria-invalid={!!why} aria-describedby={why} onInput={(e) => { setTrouble(undefined); set({ ...p, port: e.currentTarget.value }); }} />}
        </Field>
      )}
      {!whole && <CodecField p={p} set={set} />}
      {native ? <GuestFields p={p} set={set} g={g} setGuest={setGuest} ticket={whole} /> : <More p={p} set={set} side="connect" />}
      {!trouble?.at && <Problem text={trouble?.text} next={trouble?.next} />}
      {connecting
        ? <button type="button" class="go" disabled={!room || asked} onClick={() => void act("hangup", { room })}>{t("cancel")}</button>
        : <button class="go">{t("connect.do")}</button>}
    </form>
  );
}

// GuestFields are what a guest adds to the address of a host.
function GuestFields({ p, set, g, setGuest, ticket }: { p: Place; set: (p: Place) => void; g: Guest; setGuest: (g: Guest) => void; ticket: boolean }) {
  const secret = ticket && /[?&]secret=/.test(p.host);
  return (
    <>
      {!ticket && (
        <Field label={t("guest.room")} wide>
          {(id) => <input id={id} autocomplete="off" spellcheck={false} value={p.room} placeholder={t("guest.room.example")} onInput={(e) => set({ ...p, room: e.currentTarget.value })} />}
        </Field>
      )}
      {secret ? <p class="note">{t("guest.ticket")}</p> : (
        <Field label={t("code")} note={t("code.why")} wide>
          {(id) => <input id={id} class="mono" autocomplete="off" inputMode="numeric" spellcheck={false} value={g.code} placeholder={t("code.example")}
            onInput={(e) => setGuest({ ...g, code: e.currentTarget.value })} />}
        </Field>
      )}
      <Field label={t("history")} wide>
        {(id) => (
          <select id={id} value={g.history} onChange={(e) => setGuest({ ...g, history: e.currentTarget.value })}>
            <option value="all">{t("history.all")}</option>
            <option value="100">{t("history.last", { n: 100 })}</option>
            <option value="new">{t("history.new")}</option>
          </select>
        )}
      </Field>
      {!secret && (
        <label class="tick accept">
          <input type="checkbox" checked={g.accept} onChange={(e) => setGuest({ ...g, accept: e.currentTarget.checked })} />
          <span>{t("accept")} <small>{t("accept.why")}</small></span>
        </label>
      )}
    </>
  );
}
