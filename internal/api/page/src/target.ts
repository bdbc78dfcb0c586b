import { changed, state } from "./node.ts";
import { rows } from "./store.ts";

// Whom the composer sends to: the conversation that is shown, those that are ticked, or everyone who is
// connected when Send is pressed.

const ticked = new Set<string>();
let everyone = false;

export type Target = "this" | "chosen" | "everyone";

export function target(): Target {
  return everyone ? "everyone" : chosen().length ? "chosen" : "this";
}

// chosen are the ticked conversations that are still open.
export function chosen(): string[] {
  const open = new Set(rows(state.status).open.map((r) => r.room.name));
  return [...ticked].filter((name) => open.has(name));
}

export function isTicked(room: string, live: boolean): boolean {
  return everyone ? live : ticked.has(room);
}

export function connected(): string[] {
  return rows(state.status).open.filter((r) => r.live).map((r) => r.room.name);
}

export function tick(room: string, on: boolean): void {
  if (everyone) { // one is taken out of all
    for (const name of connected()) ticked.add(name);
    everyone = false;
  }
  if (on) ticked.add(room);
  else ticked.delete(room);
  changed();
}

export function setTarget(to: Target): void {
  everyone = to === "everyone";
  if (to !== "chosen") ticked.clear();
  changed();
}

// rooms are the ones that a message goes to.
export function rooms(): string[] {
  switch (target()) {
    case "everyone":
      return connected();
    case "chosen":
      return chosen();
  }
  return state.room === undefined ? [] : [state.room];
}
