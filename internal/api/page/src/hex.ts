import { t, type Word } from "./words.ts";

// Bytes written as hex: spaces, commas, colons, dashes, line breaks, 0x and \x are tolerated between bytes.

export interface ParsedHex {
  bytes: number;
  digits: string;
  error?: string;
}

function wrong(word: Word, at: number, what: string): ParsedHex {
  return { bytes: 0, digits: "", error: t(word, { at: at + 1, what }) };
}

// parseHex reads what a person typed. With an error, the position counts characters from 1.
export function parseHex(s: string): ParsedHex {
  let digits = "";
  let run = -1; // where the digits of this word began
  for (let i = 0; i <= s.length; i++) {
    const c = s[i] ?? " ";
    if (/[0-9a-fA-F]/.test(c)) {
      if (run < 0) run = i;
      if (c === "0" && run === i && /[xX]/.test(s[i + 1] ?? "")) {
        if (!/[0-9a-fA-F]/.test(s[i + 2] ?? "")) return wrong("hex.prefix", i, s.slice(i, i + 2));
        run = -1;
        i++;
        continue;
      }
      digits += c;
      continue;
    }
    if (run >= 0 && (i - run) % 2 === 1) return wrong("hex.odd", i - 1, s[i - 1] ?? "");
    run = -1;
    if (c === "\\" && /[xX]/.test(s[i + 1] ?? "")) {
      if (!/[0-9a-fA-F]/.test(s[i + 2] ?? "")) return wrong("hex.prefix", i, s.slice(i, i + 2));
      i++;
      continue;
    }
    if (!/[\s,;:\-_]/.test(c)) return wrong("hex.digit", i, String.fromCodePoint(s.codePointAt(i) ?? 0));
  }
  return { bytes: digits.length / 2, digits };
}

const two = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

// dump writes bytes sixteen a line: where, hex, and what can be read of them.
export function dump(b: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < b.length; at += 16) {
    let hex = "";
    let read = "";
    for (let i = at; i < at + 16; i++) {
      const c = b[i];
      if (i === at + 8 && (c !== undefined || b.length > 16)) hex += " ";
      hex += c !== undefined ? two[c] + " " : b.length > 16 ? "   " : "";
      if (c !== undefined) read += c >= 0x20 && c < 0x7f ? String.fromCharCode(c) : "·";
    }
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex} ${read}`);
  }
  return lines.join("\n");
}

// plainHex writes bytes as one line.
export function plainHex(b: Uint8Array): string {
  let s = "";
  for (const c of b) s += (s && " ") + two[c];
  return s;
}

// bytesIn is how many bytes a base64 text stands for.
export function bytesIn(base64: string): number {
  return base64.length / 4 * 3 - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);
}

export function fromBase64(s: string): Uint8Array {
  const raw = atob(s);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}
