import { render } from "preact";
import { takeToken } from "./api.ts";
import { App } from "./app.tsx";
import { run, state } from "./node.ts";
import { dress } from "./prefs.ts";

dress();
if (!takeToken()) state.stream = "token";
const root = document.getElementById("app")!;
root.replaceChildren();
render(<App />, root);
if (state.stream !== "token") void run();
// Another address of this page in this tab, with another token: begin again.
addEventListener("hashchange", () => {
  if (/[#&]t=/.test(location.hash)) location.reload();
});
