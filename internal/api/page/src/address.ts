import { isKey, who } from "./names.ts";
import type { Word } from "./words.ts";

// Addresses as a person types them, checked before anything is tried.

export interface Place {
  host: string;
  port: string;
  codec: string;
  tls: boolean;
  options: string;
  room: string;
  admit?: string; // whom a listener that speaks natively lets in
}

// narrow writes as ASCII what a Chinese input method writes wide.
function narrow(s: string): string {
  return s.replace(/[\uff10-\uff1a\uff0e\uff0f\uff3b\uff3d]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/\u3002/g, ".");
}

// bracket writes a host for an address: IPv6 in brackets.
function bracket(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

// address makes the URL that the API takes.
export function address(p: Place): string {
  const scheme = (p.tls ? "tls+" : "") + p.codec;
  const room = p.room.trim() ? "/" + p.room.trim().replace(/^\//, "") : "";
  const all = [p.options.trim().replace(/^\?/, ""), p.admit && speaksNative(p) ? "admit=" + p.admit : ""].filter((s) => s);
  const options = all.length ? "?" + all.join("&") : "";
  return `${scheme}://${bracket(narrow(p.host.trim()))}:${narrow(p.port.trim())}${room}${options}`;
}

// dialled is the address with which others reach a listener of a codec, which may have options.
export function dialled(codec: string, host: string, port: string): string {
  const [name = "", options = ""] = codec.split("?");
  return address({ host, port, codec: name === "auto" ? "lines" : name, tls: false, options, room: "" });
}

// speaksNative says whether a listener on this address lets in keys.
export function speaksNative(p: Place): boolean {
  return p.codec === "tincan" || p.codec === "auto" && !p.tls;
}

// Guest is how one comes to a host that speaks natively.
export interface Guest {
  code: string;
  accept: boolean;
  history: string; // "all", "new" or a number
}

// isNative says whether what was typed is an address of the native protocol, such as a ticket.
export function isNative(s: string): boolean {
  return /^\s*tincan:\/\//i.test(s);
}

// invited is a native address, taken as it is, with what a guest adds. A ticket that was broken into lines is one line.
export function invited(s: string, g: Guest): string {
  const whole = s.replace(/\s+/g, "");
  const add = [];
  if (g.code.trim()) add.push("code=" + encodeURIComponent(narrow(g.code.trim())));
  if (g.accept) add.push("accept=new");
  if (g.history !== "all") add.push("history=" + g.history);
  return add.length ? whole + (whole.includes("?") ? "&" : "?") + add.join("&") : whole;
}

// split takes apart what was pasted whole into the server field: lines://host:7000, host:7000, [::1]:7000.
export function split(s: string): Partial<Place> | undefined {
  const m = /^\s*(?:(tls\+)?([a-z][a-z0-9]*):\/\/)?(\[[^\]\s]+\]|[^\s:/?#[\]]*):(\d+)(\/[^\s?#]*)?(?:\?(\S*))?\s*$/i.exec(narrow(s));
  if (!m) return undefined;
  const out: Partial<Place> = { host: m[3]!.replace(/^\[|\]$/g, ""), port: m[4]! };
  if (m[2] && m[2].toLowerCase() !== "tcp") { // tcp:// says nothing of the codec
    out.codec = m[2].toLowerCase();
    out.tls = !!m[1];
    out.options = m[6] ?? "";
  }
  return out;
}

// checkPort is what is wrong with a port; undefined when nothing is.
export function checkPort(port: string, least: number): Word | undefined {
  const digits = narrow(port.trim());
  if (!/^\d{1,5}$/.test(digits)) return least ? "bad.port" : "bad.port.listen";
  const n = Number(digits);
  return n < least || n > 65535 ? (least ? "bad.port" : "bad.port.listen") : undefined;
}

// checkHost is what is wrong with a host: a name, an IPv4 or an IPv6 address.
export function checkHost(host: string): Word | undefined {
  const h = narrow(host.trim()).replace(/^\[(.*)\]$/, "$1");
  if (h.includes("/")) return "bad.name";
  if (h.includes(":")) return isIPv6(h) ? undefined : "bad.ipv6";
  if (/^[\d.]+$/.test(h)) return isIPv4(h) ? undefined : "bad.ipv4";
  if (h.length > 253 || /[\s/\\?#@%"'<>[\]{}|^`,;()=+*!$&\u0000-\u001f\u007f]/.test(h)) return "bad.name";
  return h.split(".").some((part, i, all) => part.length > 63 || part === "" && i < all.length - 1) ? "bad.name" : undefined;
}

function isIPv4(s: string): boolean {
  const parts = s.split(".");
  return parts.length === 4 && parts.every((p) => /^\d{1,3}$/.test(p) && Number(p) < 256 && (p === "0" || !p.startsWith("0")));
}

function isIPv6(s: string): boolean {
  const [addr = "", zone] = s.split("%");
  if (zone === "" || (addr.match(/::/g) ?? []).length > 1 || /:::/.test(addr)) return false;
  const short = addr.includes("::");
  const parts = addr.split(":");
  let n = 0;
  for (const [i, p] of parts.entries()) {
    if (p === "") continue;
    if (p.includes(".")) {
      if (i !== parts.length - 1 || !isIPv4(p)) return false;
      n += 2;
    } else if (/^[0-9a-f]{1,4}$/i.test(p)) n++;
    else return false;
  }
  if (/^:[^:]/.test(addr) || /[^:]:$/.test(addr)) return false;
  return short ? n < 8 : n === 8;
}

// label is a peer or room in short: the place alone. How it is spoken to stands elsewhere.
export function label(name: string): string {
  if (isKey(name)) return who(name);
  return name.replace(/^(tcp:|[a-z0-9+]+:\/\/)/, "").replace(/\?.*$/, "");
}
