import { changed } from "./node.ts";
import { speak, type Language } from "./words.ts";

// What a person chose of the page's looks; kept in this browser.

export type Theme = "system" | "light" | "dark";
export type View = "text" | "hex";
export type Tab = "open" | "talk" | "tcp";

function stored(key: string): string | null {
  try {
    return localStorage.getItem("tincan." + key);
  } catch {
    return null; // a browser that keeps nothing
  }
}

export function store(key: string, value: string): void {
  try {
    localStorage.setItem("tincan." + key, value);
  } catch {
    // then it is for this page only
  }
}

export const prefs = {
  theme: (stored("theme") ?? "system") as Theme,
  view: (stored("view") ?? "text") as View,
  explain: stored("explain") !== "no",
  tab: "open" as Tab, // of the narrow page
  drawer: false, // the TCP panel of the medium page is out
};

export const remember = stored;

export function setTheme(theme: Theme): void {
  prefs.theme = theme;
  store("theme", theme);
  wear();
  changed();
}

function wear(): void {
  const root = document.documentElement;
  if (prefs.theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = prefs.theme;
}

export function setView(view: View): void {
  prefs.view = view;
  store("view", view);
  changed();
}

export function setExplain(on: boolean): void {
  prefs.explain = on;
  store("explain", on ? "yes" : "no");
  changed();
}

export function setTab(tab: Tab): void {
  prefs.tab = tab;
  changed();
}

export function setDrawer(out: boolean): void {
  prefs.drawer = out;
  changed();
}

export function setLanguage(l: Language): void {
  store("language", l);
  speak(l);
  changed();
}

// dress applies what was chosen before.
export function dress(): void {
  wear();
  const l = stored("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
  speak(l === "zh" ? "zh" : "en");
}
