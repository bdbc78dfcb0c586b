import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { toClipboard } from "./actions.ts";
import { t, type Word } from "./words.ts";

// The small parts that everything else is made of.

// Field is a control with its name, a note, and what is wrong with its value; why names that for aria-describedby.
export function Field(p: { label: string; note?: string; wrong?: string | undefined; children: (id: string, why: string | undefined) => ComponentChildren; wide?: boolean }) {
  const id = useId();
  return (
    <div class={p.wide ? "field wide" : "field"}>
      <label for={id}>{p.label}</label>
      {p.children(id, p.wrong && id + "-why")}
      {p.note && <span class="note">{p.note}</span>}
      {p.wrong && <p class="problem" role="alert" id={id + "-why"}>{p.wrong}</p>}
    </div>
  );
}

const codecs = ["lines", "dotnet", "raw", "json", "delim", "fixed", "idle", "len8", "len16", "len32", "len64", "varint", "cobs", "slip"] as const;

// The options without which a codec is none.
export const needs: Record<string, string> = { delim: "end=0A", fixed: "n=16", idle: "ms=50" };

// CodecChoice offers the codecs; now is one that is in use, with its options, and is offered as it is.
export function CodecChoice(p: { id?: string; label?: string; value: string; auto?: boolean; native?: boolean; onChoose: (codec: string) => void; brief?: boolean }) {
  const plain = (codecs as readonly string[]).includes(p.value) || p.value === "auto" && p.auto || p.value === "tincan" && p.native;
  return (
    <select id={p.id} aria-label={p.label} value={p.value} onChange={(e) => p.onChoose(e.currentTarget.value)}>
      {p.auto && <option value="auto">{p.brief ? "auto" : t("codec.auto")}</option>}
      {p.native && <option value="tincan">{t("codec.tincan")}</option>}
      {!plain && <option value={p.value}>{p.value}</option>}
      {codecs.map((c) => <option key={c} value={c}>{p.brief ? c : t(`codec.${c}`)}</option>)}
    </select>
  );
}

// Radios is a choice between a few that are all seen.
export function Radios<T extends string>(p: { label: string; name: string; value: T; choices: [T, Word][]; onChoose: (v: T) => void }) {
  return (
    <fieldset class="radios" role="radiogroup" aria-label={p.label}>
      {p.choices.map(([value, word]) => (
        <label key={value}>
          <input type="radio" name={p.name} value={value} checked={p.value === value} onChange={() => p.onChoose(value)} />
          <span>{t(word)}</span>
        </label>
      ))}
    </fieldset>
  );
}

// CopyButton copies a short text and says so for a moment.
export function CopyButton(p: { text: string; what: string; word?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const id = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(id);
  }, [done]);
  return (
    <button type="button" class="icon copy" aria-label={p.word ?? t("copy.this", { what: p.what })} title={t("copy.this", { what: p.what })}
      onClick={async () => setDone(await toClipboard(p.text))}>
      {done ? <Icon is="check" /> : <Icon is="copy" />}
      {p.word && <span>{done ? t("copied") : p.word}</span>}
      {done && <span class="unseen" role="status">{t("copied")}</span>}
    </button>
  );
}

const drawings = {
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  check: "M3 8.5l3.2 3.2L13 5",
  close: "M4 4l8 8M12 4l-8 8",
  theme: "M8 2.5a5.5 5.5 0 1 0 0 11z M8 2.5a5.5 5.5 0 0 1 0 11",
  panel: "M2.5 3.5h11v9h-11zM9.5 3.5v9",
} as const;

export function Icon(p: { is: keyof typeof drawings }) {
  return (
    <svg class={"drawn " + p.is} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d={drawings[p.is]} /></svg>
  );
}

// Problem is what went wrong, beside what it is about.
export function Problem(p: { text: string | undefined; next?: string | undefined }) {
  return p.text ? (
    <p class="problem" role="alert">
      <b>{p.text}</b>
      {p.next && <span> {p.next}</span>}
    </p>
  ) : null;
}

// Sheet is a part of the page that opens in front of it.
export function Sheet(p: { title: string; onClose: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const d = ref.current!;
    d.showModal();
    return () => d.close();
  }, []);
  return (
    <dialog ref={ref} class="sheet" aria-labelledby={id} onCancel={(e) => { if (e.target === ref.current) { e.preventDefault(); p.onClose(); } }}
      onClick={(e) => { if (e.target === ref.current) p.onClose(); }}>
      <div class="sheet-in">
        <header><h2 id={id}>{p.title}</h2><span class="push" /><button type="button" class="icon" aria-label={t("close")} onClick={p.onClose}><Icon is="close" /></button></header>
        {p.children}
      </div>
    </dialog>
  );
}

// Ask is a question before something that cannot be undone.
export function Ask(p: { title: string; why: string; yes: string; onYes: () => void; onNo: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const d = ref.current!;
    d.showModal();
    return () => d.close();
  }, []);
  return (
    <dialog ref={ref} aria-labelledby={id} onCancel={(e) => { e.preventDefault(); p.onNo(); }}>
      <h2 id={id}>{p.title}</h2>
      <p>{p.why}</p>
      <div class="buttons">
        <button type="button" onClick={p.onNo}>{t("cancel")}</button>
        <button type="button" class="danger" onClick={p.onYes}>{p.yes}</button>
      </div>
    </dialog>
  );
}

// useTick draws a component again every so many ms, while on; all that tick alike do it at once, so that two
// countdowns of one moment agree.
export function useTick(ms: number, on = true): void {
  const [, set] = useState(0);
  useEffect(() => {
    if (!on) return undefined;
    let id: ReturnType<typeof setTimeout>;
    const wait = () => { id = setTimeout(() => { set((n) => n + 1); wait(); }, ms - Date.now() % ms); };
    wait();
    return () => clearTimeout(id);
  }, [ms, on]);
}
