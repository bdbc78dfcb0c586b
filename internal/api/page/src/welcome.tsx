import { useState } from "preact/hooks";
import { dialled } from "./address.ts";
import { CopyButton } from "./fields.tsx";
import { Invite } from "./invite.tsx";
import { state } from "./node.ts";
import type { Listener } from "./types.ts";
import { t } from "./words.ts";

// What stands in the middle while there is no conversation: what to do, with the exact commands.

export function Welcome() {
  const ls = state.status?.listeners ?? [];
  const l = ls[ls.length - 1];
  return (
    <div class="welcome">
      <svg class="cans" viewBox="0 0 240 56" aria-hidden="true">
        <path class="can" d="M8 14h34v28H8zM198 14h34v28h-34z" />
        <path class="rim" d="M14 14v28M226 14v28" />
        <path class="string" d="M42 28c52 20 104 20 156 0" />
      </svg>
      <h2>{l ? t("welcome.waiting") : t("welcome")}</h2>
      {l ? (
        <>
          <p>{t("welcome.waiting.how")}</p>
          <Commands l={l} />
        </>
      ) : (
        <ol>
          <li><b>{t("welcome.listen")}</b><p>{t("welcome.listen.how")}</p></li>
          <li><b>{t("welcome.peer")}</b><p>{t("welcome.peer.how")}</p><Commands /></li>
          <li><b>{t("welcome.dial")}</b><p>{t("welcome.dial.how")}</p></li>
        </ol>
      )}
    </div>
  );
}

function Commands({ l }: { l?: Listener }) {
  const [invite, setInvite] = useState(false);
  const at = l?.reach?.[0] ?? l?.addr ?? `${state.status?.addresses[0] ?? "127.0.0.1"}:7000`;
  const cut = at.lastIndexOf(":");
  const host = at.slice(0, cut).replace(/^\[|\]$/g, "").replace(/^(::|0\.0\.0\.0)$/, "127.0.0.1");
  const port = at.slice(cut + 1);
  const codec = l?.codec ?? "auto";
  const text = codec === "auto" || codec === "lines";
  const net = codec === "auto" || codec === "dotnet";
  const all: [string, string][] = [];
  if (text) all.push([t("command.netcat"), `nc ${host} ${port}`]);
  if (net) {
    all.push([t("command.dotnet"), `var c = new TcpClient("${host}", ${port});\nnew BinaryWriter(c.GetStream()).Write("hello");`]);
  }
  if (!net) all.push([t("command.tincan"), `tincan dial '${dialled(codec, host, port)}'`]);
  return (
    <dl class="commands">
      {all.map(([name, command]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd><pre>{command}</pre><CopyButton text={command} what={name} /></dd>
        </div>
      ))}
      {l?.admit && (
        <div>
          <dt>{t("command.tincan")}</dt>
          <dd class="by-key"><span>{t("welcome.invite")}</span><button class="small strong" onClick={() => setInvite(true)}>{t("invite")}</button></dd>
        </div>
      )}
      {invite && <Invite l={l!} onClose={() => setInvite(false)} />}
    </dl>
  );
}
