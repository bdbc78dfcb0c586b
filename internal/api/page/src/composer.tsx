import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Body, send } from "./actions.ts";
import { label } from "./address.ts";
import { Problem, Radios } from "./fields.tsx";
import { clean, count } from "./format.ts";
import { parseHex } from "./hex.ts";
import { explain } from "./node.ts";
import type { Row } from "./store.ts";
import { chosen, connected, rooms, setTarget, target, type Target } from "./target.ts";
import type { Room } from "./types.ts";
import { t } from "./words.ts";

// The box that one writes in. Enter sends, and the box is free for the next message; a text that could not be
// stored on this machine's disk comes back into it.

type Entry = "text" | "hex";
interface Said { entry: Entry; s: string }

const drafts = new Map<string, string>(); // by room
const said: Said[] = []; // what was sent, oldest first
const remembered = 100;

export function Composer({ room, row }: { room: Room; row: Row }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const [entry, setEntry] = useState<Entry>("text");
  const [draft, setDraft] = useState({ room: room.name, s: drafts.get(room.name) ?? "" });
  const [trouble, setTrouble] = useState<{ text: string; next: string }>();
  const line = useRef(Promise.resolve()); // what was typed ahead goes out one after another
  const recalled = useRef(said.length); // which of said is in the box
  const ids = useRef({ of: "", by: new Map<string, string>() });
  if (draft.room !== room.name) setDraft({ room: room.name, s: drafts.get(room.name) ?? "" });
  const s = draft.s;
  const write = (text: string) => {
    drafts.set(room.name, text);
    setDraft({ room: room.name, s: text });
    setTrouble(undefined);
  };
  useLayoutEffect(() => {
    const el = box.current!;
    el.style.height = "auto";
    el.style.height = Math.min(el.scrollHeight + 2, 160) + "px";
  }, [s, entry]);
  const hex = entry === "hex" ? parseHex(s) : undefined;

  const submit = () => {
    const s = box.current!.value; // what is drawn may be older
    const hex = entry === "hex" ? parseHex(s) : undefined;
    const to = rooms();
    if (!to.length) return setTrouble({ text: t("send.nobody"), next: "" });
    if (hex?.error) return setTrouble({ text: hex.error, next: "" });
    if (hex && !hex.bytes) return setTrouble({ text: t("hex.none"), next: "" });
    const by = ids.current.of === entry + s ? ids.current.by : new Map<string, string>();
    const body = hex ? { hex: hex.digits } : { text: s };
    if (s && said.at(-1)?.s !== s) said.push({ entry, s });
    if (said.length > remembered) said.shift();
    recalled.current = said.length;
    write(box.current!.value = "");
    box.current!.focus();
    line.current = line.current.then(() => go(s, to, body, by));
  };
  // go sends; what is not taken comes back into the box, in front of what was typed meanwhile.
  const go = async (s: string, to: string[], body: Body, by: Map<string, string>) => {
    const { taken, refused } = await send(to, body, by);
    if (!refused.length) return;
    ids.current = { of: entry + s, by };
    const typed = drafts.get(room.name) ?? "";
    write(typed ? s + "\n" + typed : s);
    const first = explain(refused[0]!.error);
    if (to.length === 1) return setTrouble(first);
    const alike = refused.every((r) => explain(r.error).text === first.text);
    const whys = alike ? [first.text, ...(first.next ? [first.next] : [])]
      : refused.slice(0, 3).map((r) => t("send.to", { who: clean(label(r.room)), why: explain(r.error).text }));
    setTrouble({
      text: t("send.some", { n: taken.length, all: to.length }),
      next: whys.reduce((what, hint) => t("dial.failed", { what, hint })),
    });
  };
  const recall = (by: -1 | 1) => {
    const at = recalled.current + by;
    if (at < 0 || at > said.length) return;
    recalled.current = at;
    const old = said[at];
    if (old) setEntry(old.entry);
    write(old?.s ?? "");
  };
  const key = (e: KeyboardEvent) => {
    if (e.isComposing || e.keyCode === 229) return;
    const s = box.current!.value;
    if (e.key === "Enter" && !e.shiftKey && !e.ctrlKey && !e.altKey && !e.metaKey) {
      e.preventDefault();
      submit();
    } else if (e.key === "ArrowUp" && (s === "" || s === said[recalled.current]?.s) && said.length) {
      e.preventDefault();
      recall(-1);
    } else if (e.key === "ArrowDown" && s !== "" && s === said[recalled.current]?.s) {
      e.preventDefault();
      recall(1);
    }
  };
  return (
    <form class="composer" onSubmit={(e) => { e.preventDefault(); submit(); }}>
      <div class="how">
        <To />
        <Radios label={t("entry")} name="entry" value={entry} choices={[["text", "text"], ["hex", "hex"]]} onChoose={(v) => { setEntry(v); setTrouble(undefined); }} />
        {hex && <span class={hex.error && s ? "note warn" : "note"}>{hex.error && s ? hex.error : t("bytes", { n: count(hex.bytes) })}</span>}
      </div>
      <Problem text={trouble?.text} next={trouble?.next} />
      <div class="say-it">
        <textarea ref={box} rows={1} aria-label={t("message")} class={entry === "hex" ? "mono" : ""} value={s} spellcheck={entry === "text"}
          aria-invalid={!!hex?.error && s !== ""}
          placeholder={entry === "hex" ? t("message.placeholder.hex") : row.live ? t("message.placeholder") : t("message.placeholder.short")}
          onInput={(e) => write(e.currentTarget.value)} onKeyDown={key} />
        <button class="go">{t("send")}</button>
      </div>
    </form>
  );
}

function To() {
  const n = chosen().length;
  return (
    <label class="to">
      <span>{t("to")}</span>
      <select value={target()} onChange={(e) => setTarget(e.currentTarget.value as Target)}>
        <option value="this">{t("to.this")}</option>
        <option value="chosen" disabled={!n}>{t("to.chosen", { n })}</option>
        <option value="everyone">{t("to.everyone", { n: connected().length })}</option>
      </select>
    </label>
  );
}
