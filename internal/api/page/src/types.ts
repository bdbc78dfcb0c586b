// What the API says; docs/API.md and message.go document it.

export type Receipt = "queued" | "written" | "reached" | "stored" | "uncertain" | "discarded";

export interface Message {
  room: string;
  offset: number; // 0: the room's host has not numbered it yet
  id: string;
  from: string;
  time: string;
  text?: string;
  base64?: string;
  name?: string; // what a native sender calls itself
  type?: string;
  codec?: string;
  link?: number;
  encoding?: string;
  partial?: boolean;
  replaced?: boolean;
}

export interface TCP {
  state?: string;
  rtt_us?: number;
  rttvar_us?: number;
  min_rtt_us?: number;
  retransmits?: number;
  backoff?: number;
  send_queue?: number;
  not_sent?: number;
  recv_queue?: number;
  acked?: number;
  send_mss?: number;
  recv_mss?: number;
  send_window?: number;
  recv_window?: number;
  cwnd?: number;
  segments_in?: number;
  segments_out?: number;
  last_ack_ms?: number;
}

export interface Link {
  id: number;
  room: string;
  peer: string;
  name?: string;
  local: string;
  remote: string;
  codec: string;
  choice: string;
  dialled?: boolean;
  listener?: string;
  phase: string;
  since: string;
  handshake_us?: number;
  paused?: boolean;
  messages_in: number;
  messages_out: number;
  bytes_in: number;
  bytes_out: number;
  have?: number;
  want?: number;
  silence_ms: number;
  tcp: TCP;
  ended?: string;
  reason?: string;
  detail?: string;
}

export interface Held {
  queued: number;
  uncertain: number;
}

export interface Dial {
  url: string;
  phase: string;
  attempt: number;
  retry?: string;
  reason?: string;
  error?: string;
  hint?: string;
}

export interface Room {
  name: string;
  last: number;
  updated: string;
  shared?: boolean;
  dialled?: boolean;
  encoding?: string;
  codec: string;
  links?: number[];
  dial?: Dial;
  held?: Held;
  host?: string; // the key that numbers the room; absent: this node, or a plain connection
  base?: number; // the last offset that is not kept any more
  pending?: { messages: number; since: string }; // what the host has not stored yet
  members?: Member[];
}

// Member is a key that keeps a room.
export interface Member {
  peer: string;
  name?: string;
  here?: boolean;
  stored: number; // everything up to here is on its disk
}

export interface Peer {
  id: string;
  name?: string;
  called?: string;
  state: "trusted" | "blocked" | "asking" | "seen";
  via?: string;
  host?: boolean;
  addr?: string;
  room?: string;
  first: string;
  last: string;
  links?: number[];
}

export interface Ticket {
  id: string;
  url?: string;
  qr?: string[]; // rows of "1" for black and "0" for white
  room?: string;
  expires: string;
  uses: number;
}

export interface Code {
  code: string;
  room?: string;
  expires: string;
}

// Gap is a stretch of a room that is not here.
export interface Gap {
  after: number;
  first: number;
  last: number;
  reason: string;
  time: string;
}

export interface Listener {
  id: string;
  addr: string;
  url: string;
  codec: string;
  room?: string;
  reach?: string[];
  links: number;
  refused: number;
  admit?: "ticket" | "ask" | "open"; // absent: no keys
}

export interface Status {
  dir: string;
  version: string;
  pid: number;
  started: string;
  addresses: string[];
  listeners: Listener[];
  links: Link[];
  rooms: Room[];
  trouble?: string;
  id: string; // this node's key
  name: string;
}

export interface ReceiptRange {
  first: number;
  last: number;
  peer: string;
  state: Receipt;
}

// Happening is one line of the event stream; only the fields that its event names are there.
export interface Happening extends Partial<Message> {
  event?: string;
  addr?: string;
  listener?: string;
  peer?: string;
  local?: string;
  remote?: string;
  choice?: string;
  attempt?: number;
  handshake_us?: number;
  state?: Receipt;
  reason?: string;
  detail?: string;
  retry_in_ms?: number;
  held?: Held;
  error?: string;
  hint?: string;
}
