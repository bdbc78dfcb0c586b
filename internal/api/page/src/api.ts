import type { Happening } from "./types.ts";
import { language } from "./words.ts";

// The way to the node: calls, and the stream of events.

// Failure is an answer that is not a success. code is "offline" when there was no answer at all.
export class Failure extends Error {
  constructor(text: string, readonly hint: string, readonly code: string) {
    super(text);
  }
}

let token = "";

// takeToken keeps the token of the page's address in memory and for reloads of this tab, and takes it out of
// the address, where a screenshot or a copied link would show it.
export function takeToken(): boolean {
  const found = /[#&]t=([0-9a-f]+)/.exec(location.hash);
  if (found) {
    token = found[1]!;
    sessionStorage.setItem("token", token);
    history.replaceState(null, "", location.pathname);
  } else {
    token = sessionStorage.getItem("token") ?? "";
  }
  return token !== "";
}

function post(verb: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch("/api/" + verb, {
    method: "POST",
    headers: {
      "Authorization": "Bearer " + token,
      "Content-Type": "application/json",
      "Accept-Language": language() === "zh" ? "zh-CN" : "en",
    },
    body: JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    ...(signal ? { signal } : {}),
  });
}

async function failure(r: Response): Promise<Failure> {
  try {
    const f = await r.json() as { error: string; hint?: string; code: string };
    return new Failure(f.error, f.hint ?? "", r.status === 401 ? "token" : f.code);
  } catch {
    return new Failure(r.statusText, "", r.status === 401 ? "token" : "internal");
  }
}

// call asks one verb. It throws a Failure.
export async function call<T>(verb: string, body: object = {}): Promise<T> {
  let r: Response;
  try {
    r = await post(verb, body);
  } catch {
    throw new Failure("", "", "offline");
  }
  if (!r.ok) throw await failure(r);
  try {
    return await r.json() as T;
  } catch {
    throw new Failure("", "", "offline");
  }
}

// The stream says something every 15 s; after three times that it is dead.
const silent = 45_000;
// How long events are worked on before the page gets a turn to draw, in ms.
const turn = 12;

// follow reads the event stream until it ends. opened is called when the subscription stands, got for each
// burst of events. It throws a Failure when the stream is refused or lost.
export async function follow(opened: () => void, got: (events: Happening[]) => void): Promise<void> {
  const stop = new AbortController();
  let watch = setTimeout(() => stop.abort(), silent);
  try {
    const r = await post("events", {}, stop.signal);
    if (!r.ok) throw await failure(r);
    opened();
    const reader = r.body!.getReader();
    const utf8 = new TextDecoder();
    let parts: string[] = []; // of a line that has not ended
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(() => stop.abort(), silent);
      parts.push(utf8.decode(value, { stream: true }));
      if (parts[parts.length - 1]!.includes("\n")) parts = [await deal(parts.join(""), got)];
    }
  } catch (e) {
    throw e instanceof Failure ? e : new Failure("", "", "offline");
  } finally {
    clearTimeout(watch);
    stop.abort();
  }
}

// deal hands over the whole lines of a text in turns, and returns what is left.
async function deal(text: string, got: (events: Happening[]) => void): Promise<string> {
  let events: Happening[] = [];
  let began = performance.now();
  let at = 0;
  for (let end; (end = text.indexOf("\n", at)) >= 0; at = end + 1) {
    if (end > at) events.push(JSON.parse(text.slice(at, end)) as Happening);
    if (events.length % 64 === 63 && performance.now() - began > turn) {
      got(events);
      events = [];
      await new Promise((go) => setTimeout(go));
      began = performance.now();
    }
  }
  if (events.length) got(events);
  return text.slice(at);
}
