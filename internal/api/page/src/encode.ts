// The bytes of a text in a room's encoding, for the hex view. Browsers decode all of these and write only
// UTF-8, so the tables are turned around once they are needed.

const tables = new Map<string, Map<number, number[]>>();

// encode is undefined when a character has no form in the encoding.
export function encode(text: string, encoding: string): Uint8Array | undefined {
  switch (encoding) {
    case "":
      return new TextEncoder().encode(text);
    case "latin-1":
      return narrow(text);
    case "utf-16le":
    case "utf-16be":
      return wide(text, encoding === "utf-16le");
  }
  const table = tableOf(encoding);
  const out: number[] = [];
  for (const c of text) {
    const point = c.codePointAt(0)!;
    const b = point < 0x80 ? [point] : table.get(point) ?? (encoding === "gb18030" ? astral(point) : undefined);
    if (!b) return undefined;
    out.push(...b);
  }
  return Uint8Array.from(out);
}

function narrow(text: string): Uint8Array | undefined {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0xff) return undefined;
    out[i] = c;
  }
  return out;
}

function wide(text: string, little: boolean): Uint8Array {
  const out = new DataView(new ArrayBuffer(2 * text.length));
  for (let i = 0; i < text.length; i++) out.setUint16(2 * i, text.charCodeAt(i), little);
  return new Uint8Array(out.buffer);
}

function tableOf(encoding: string): Map<number, number[]> {
  let table = tables.get(encoding);
  if (!table) {
    table = new Map();
    tables.set(encoding, table);
    const utf8 = new TextDecoder(encoding === "shift-jis" ? "shift_jis" : encoding);
    const add = (b: number[], over: boolean) => {
      const s = utf8.decode(Uint8Array.from(b));
      const point = s.codePointAt(0)!;
      if (s.length === (point > 0xffff ? 2 : 1) && point !== 0xfffd && (over || !table!.has(point))) table!.set(point, b);
    };
    // One byte: the kana of Shift-JIS, and GBK's euro sign.
    if (encoding === "shift-jis" || encoding === "gbk") for (let a = 0x80; a <= 0xff; a++) add([a], false);
    // Big5 writes with its own part of the table, not with the extension before it.
    for (let a = encoding === "big5" ? 0xa1 : 0x81; a <= 0xfe; a++) {
      for (let b = 0x40; b <= 0xfe; b++) {
        if (b === 0x7f || encoding === "shift-jis" && a === 0xed || encoding === "shift-jis" && a === 0xee) continue;
        add([a, b], encoding === "big5" && /[\u2550\u255e\u2561\u256a\u5341\u5345]/.test(utf8.decode(Uint8Array.of(a, b))));
      }
    }
    if (encoding === "gb18030") fourBytes(add);
  }
  return table;
}

function fourBytes(add: (b: number[], over: boolean) => void): void {
  for (let n = 0; n < 39_420; n++) add(four(n), false);
}

function four(n: number): number[] {
  return [0x81 + Math.floor(n / 12600), 0x30 + Math.floor(n / 1260) % 10, 0x81 + Math.floor(n / 10) % 126, 0x30 + n % 10];
}

function astral(point: number): number[] | undefined {
  return point > 0xffff ? four(point - 0x10000 + 189_000) : undefined;
}
