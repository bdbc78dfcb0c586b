import { useState } from "preact/hooks";
import { Icon } from "./fields.tsx";
import { clean } from "./format.ts";
import { Listeners } from "./listeners.tsx";
import { AskingBar } from "./peers.tsx";
import { dismiss, onChange, state, tryNow } from "./node.ts";
import { Open } from "./open.tsx";
import { Panel } from "./panel.tsx";
import { prefs, setLanguage, setTab, setTheme, type Tab, type Theme } from "./prefs.ts";
import { Room } from "./room.tsx";
import { Rooms } from "./rooms.tsx";
import { Strip } from "./strip.tsx";
import { language, t } from "./words.ts";

// The page, whole.

export function App() {
  const [, draw] = useState(0);
  onChange(() => draw((n) => n + 1));
  return (
    <>
      <Banners />
      <AskingBar />
      <div class="columns" data-tab={prefs.tab}>
        <div class="side">
          <Brand />
          <Open />
          <Listeners />
          <Rooms />
        </div>
        <Room />
        <Panel />
      </div>
      <Strip />
      <Tabs />
    </>
  );
}

const themes: Theme[] = ["system", "light", "dark"];

function Brand() {
  const next = themes[(themes.indexOf(prefs.theme) + 1) % themes.length]!;
  return (
    <header class="brand">
      <p class="mark-name"><b>{t("app")}</b> <span>{t("app.other")}</span></p>
      <span class="push" />
      <button class="small quiet" lang={language() === "en" ? "zh-Hans" : "en"} onClick={() => setLanguage(language() === "en" ? "zh" : "en")}>{t("language")}</button>
      <button class="icon" aria-label={t("theme")} title={t("theme.now", { theme: t(`theme.${prefs.theme}`) })} onClick={() => setTheme(next)}><Icon is="theme" /></button>
    </header>
  );
}

function Banners() {
  const trouble = state.status?.trouble;
  return (
    <div class="banners">
      {state.stream === "lost" && (
        <div class="banner bad" role="alert">
          <p><b>{t("lost")}</b> {t("lost.next")}</p>
          <button class="small" onClick={tryNow}>{t("lost.now")}</button>
        </div>
      )}
      {state.stream === "token" && <div class="banner bad" role="alert"><p><b>{t("token")}</b> {t("token.next")}</p></div>}
      {trouble && <div class="banner bad" role="alert"><p><b>{t("trouble", { why: clean(trouble) })}</b> {t("trouble.next")}</p></div>}
      {state.notices.map((n) => (
        <div key={n.id} class={"banner " + n.kind} role={n.kind === "bad" ? "alert" : "status"}>
          <p><b>{clean(n.text)}</b> {clean(n.next)}</p>
          <button class="small" onClick={() => dismiss(n.id)}>{t("dismiss")}</button>
        </div>
      ))}
    </div>
  );
}

function Tabs() {
  const unread = [...state.unread.values()].reduce((a, b) => a + b, 0);
  return (
    <nav class="tabs" aria-label={t("tabs")}>
      {(["open", "talk", "tcp"] as Tab[]).map((tab) => (
        <button key={tab} type="button" aria-current={prefs.tab === tab ? "page" : undefined} onClick={() => setTab(tab)}>
          {t(`tab.${tab}`)}{tab === "open" && unread > 0 && <span class="unread">{unread > 999 ? "999+" : unread}</span>}
        </button>
      ))}
    </nav>
  );
}
