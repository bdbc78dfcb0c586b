import { useEffect, useRef, useState } from "preact/hooks";
import { clock } from "./format.ts";
import { state } from "./node.ts";
import type { Step } from "./steps.ts";
import { t } from "./words.ts";

// The status strip: the latest step in the words of the teaching sample, and those before it. Each step stays
// long enough to be read, shorter the more of them wait; when too many wait, the newest is shown.

const dwell = 450; // ms
const glance = 130; // ms, at the least
const patience = 12; // steps that may wait

export function Strip() {
  const [shown, setShown] = useState<Step | undefined>(state.steps[state.steps.length - 1]);
  const [open, setOpen] = useState(false);
  const since = useRef(0);
  const all = state.steps;
  const latest = all[all.length - 1];
  useEffect(() => {
    if (shown === latest) return undefined;
    const at = shown ? all.indexOf(shown) : -1;
    const replaced = at < 0; // the step was brought up to date, or is long gone
    const waiting = all.length - 1 - at;
    const next = replaced ? all.findLast((x) => x.id !== undefined && x.id === shown?.id) ?? latest : waiting > patience ? latest : all[at + 1];
    const id = setTimeout(() => {
      since.current = performance.now();
      setShown(next);
    }, replaced ? 0 : Math.max(0, since.current + Math.max(glance, dwell / waiting) - performance.now()));
    return () => clearTimeout(id);
  }, [shown, latest, all.length]);
  useEffect(() => {
    if (!open) return undefined;
    const close = (e: KeyboardEvent) => e.key === "Escape" && setOpen(false);
    document.addEventListener("keydown", close);
    return () => document.removeEventListener("keydown", close);
  }, [open]);
  const s = shown ?? latest;
  const at = s ? all.indexOf(s) : -1;
  return (
    <footer class="strip">
      <div class={"latest " + (s?.mood ?? "calm")} role="status" aria-label={t("strip")}>
        {s && <><i class="dot" aria-hidden="true" /><b>{t(s.word)}</b> <time>{clock(s.at)}</time> <span class="detail">{s.detail()}</span></>}
      </div>
      <div class="before" aria-hidden="true">
        {all.slice(Math.max(0, at - 3), Math.max(0, at)).reverse().map((x) => <span key={String(all.indexOf(x))}>{t(x.word)} <time>{clock(x.at)}</time></span>)}
      </div>
      <button class="small quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{t("strip.history")}</button>
      {open && (
        <div class="history" role="region" aria-label={t("strip.history.of")} tabIndex={0}>
          <ol>
            {all.slice(-100).reverse().map((x, i) => (
              <li key={all.length - i} class={x.mood}><time>{clock(x.at)}</time><b>{t(x.word)}</b><span>{x.detail()}</span></li>
            ))}
          </ol>
        </div>
      )}
    </footer>
  );
}
