// Who a key is, in words: the name that was given to it here, or what it calls itself, which anybody may, with the
// beginning of its fingerprint.

const given = new Map<string, string>();
const called = new Map<string, string>();
const remembered = 5000;

// isKey says that a peer is a key, not an address.
export function isKey(peer: string): boolean {
  return peer.startsWith("tc1");
}

// groups are the first signs of a key in fours.
function groups(id: string, n: number): string {
  return (id.slice(3, 3 + 4 * n).match(/.{1,4}/g) ?? []).join(" ");
}

// fingerprint is as much of a key as two people compare.
export function fingerprint(id: string): string {
  return groups(id, 5);
}

// meet notes what a key calls itself, and what it is called here; undefined leaves that as it is.
export function meet(id: string, calls: string | undefined, name?: string): void {
  if (!isKey(id)) return;
  if (calls && called.get(id) !== calls) called.set(id, calls);
  if (name) given.set(id, name);
  else if (name === "") given.delete(id);
  if (called.size > remembered) called.delete(called.keys().next().value!);
}

// who is a key in short.
export function who(id: string): string {
  const name = given.get(id);
  if (name) return name;
  const calls = called.get(id);
  return calls ? `"${calls.slice(0, 40)}" ${groups(id, 2)}` : groups(id, 2);
}
