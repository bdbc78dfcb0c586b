import { label } from "./address.ts";
import { clean } from "./format.ts";
import type { Happening } from "./types.ts";
import { has, t, tOr, type Word } from "./words.ts";

// The status strip: each thing that happens becomes a step in the words of the teaching sample, with the time
// and a detail.

export type Mood = "calm" | "wait" | "good" | "bad";

export interface Step {
  word: Word;
  at: Date;
  detail: () => string; // in the language of when it is shown
  mood: Mood;
  id?: string; // of the message that it is about
}

const nothing = () => "";

export function step(word: Word, mood: Mood, at: Date, detail: () => string = nothing): Step {
  return { word, mood, at, detail };
}

// cause is a reason in the page's language, and what to do about it.
export function cause(reason: string, detail: string, hint = ""): { what: string; next: string } {
  const what = has("reason." + reason) && reason !== "other" ? tOr("reason.", reason) : clean(detail || reason);
  return { what, next: has("hint." + reason) ? tOr("hint.", reason) : clean(hint) };
}

// why is a cause in one sentence.
export function why(reason: string, detail: string, hint = ""): string {
  const { what, next } = cause(reason, detail, hint);
  return next ? t("dial.failed", { what, hint: next }) : what;
}

// steps are what an event becomes on the strip; most become nothing.
export function steps(e: Happening): Step[] {
  const at = e.time ? new Date(e.time) : new Date();
  const addr = clean(e.addr ?? "");
  const peer = clean(label(e.peer ?? ""));
  const room = clean(label(e.room ?? ""));
  switch (e.event) {
    case "listening":
      return [step("step.listening", "wait", at, () => addr), step("step.waiting", "wait", at, () => addr)];
    case "stopped":
      return [step("step.stopped", "calm", at, () => addr), step("step.ready", "calm", at)];
    case "connecting":
      return [step("step.connecting", "wait", at,
        () => (e.attempt ?? 1) > 1 ? t("step.attempt", { addr, n: e.attempt! }) : addr)];
    case "connected":
      return [step(e.listener ? "step.accepted" : "step.connected", "good", at, () => peer)];
    case "disconnected":
      if (e.link) {
        return [step("step.disconnected", "bad", at,
          () => t("send.to", { who: peer || room, why: why(e.reason ?? "", e.detail ?? "", e.hint) }))];
      }
      if (e.reason === "unknown key" && e.retry_in_ms) return [step("step.asked", "wait", at, () => addr)];
      if (e.reason === "canceled") return [step("step.ready", "calm", at, () => tOr("reason.", "canceled"))];
      return [
        step("step.failed", "bad", at, () => t("send.to", { who: addr || room, why: why(e.reason ?? "", e.detail ?? "", e.hint) })),
        step("step.ready", "calm", at,
          () => e.retry_in_ms === undefined ? "" : t("send.to",
            { who: addr || room, why: t("step.retry", { n: Math.max(1, Math.round(e.retry_in_ms / 1000)) }) })),
      ];
    case "asking":
      return [step("step.asking", "wait", at, () => clean(label(e.peer ?? "")))];
    case "paired":
      return [step("step.paired", "good", at, () => t("send.to", { who: clean(label(e.peer ?? "")), why: tOr("via.", e.reason ?? "") }))];
    case "gap":
      return [step("step.gap", "bad", at, () => room || peer)];
    case "refused":
      if (/operator is asked/.test(e.reason ?? "")) return []; // it is on the page already
      return [step("step.waiting", "wait", at,
        () => t("step.refused", { remote: clean(e.remote ?? ""), why: clean(e.reason ?? "") }))];
  }
  return [];
}
