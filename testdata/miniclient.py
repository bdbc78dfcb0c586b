#!/usr/bin/env python3
"""A guest of the native protocol in Python's standard library, written from docs/PROTOCOL.md.

usage: miniclient.py HOST PORT CERT KEY ROOM STATE MESSAGE...

It joins ROOM, sends the MESSAGEs that the host does not have yet, waits until all are stored and have come back, and prints
the room's log, one "offset sender text" a line. STATE is a file in which it keeps what a guest keeps on its disk; started
again with it, it resumes. With CUT=n in the environment it dies after n frames.
"""
import hashlib
import json
import os
import socket
import ssl
import struct
import sys

HELLO, JOIN, PUBLISH, MESSAGE, ACK, PING, PONG, CLOSE, RECEIPT, EPHEMERAL = 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x81


def str8(s):
    b = s.encode() if isinstance(s, str) else s
    return bytes([len(b)]) + b


def frame(typ, body, flags=0):
    return struct.pack(">BBHI", typ, flags, 0, len(body)) + body


def chain(before, n, record):  # 4.2
    return hashlib.sha256(before + struct.pack(">Q", n) + hashlib.sha256(record).digest()).digest()


class Body:
    def __init__(self, b):
        self.b, self.at = b, 0

    def take(self, n):
        assert self.at + n <= len(self.b), "a body that ends too soon"
        self.at += n
        return self.b[self.at - n : self.at]

    def num(self, n):
        return int.from_bytes(self.take(n), "big")

    def str8(self):
        return self.take(self.num(1)).decode()

    def rest(self):
        return self.take(len(self.b) - self.at)


class Client:
    def __init__(self, host, port, cert, key, room, path, messages):
        self.path, self.room, self.messages = path, room, messages
        self.cut = int(os.environ.get("CUT", "-1"))
        self.state = {"epoch": os.urandom(16).hex(), "outbox": [], "log": [], "room_epoch": "", "base": 0}
        if os.path.exists(path):
            with open(path) as f:
                self.state = json.load(f)
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.minimum_version = ssl.TLSVersion.TLSv1_3
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE  # the key is looked at by its id, elsewhere
        c.set_alpn_protocols(["tincan/1"])
        c.load_cert_chain(cert, key)
        self.conn = c.wrap_socket(socket.create_connection((host, int(port)), timeout=30))
        assert self.conn.selected_alpn_protocol() == "tincan/1"
        self.buf = b""

    def save(self):  # R2: what is told is on the disk
        with open(self.path + ".new", "w") as f:
            json.dump(self.state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(self.path + ".new", self.path)

    def read(self):
        if self.cut == 0:
            os._exit(9)
        self.cut -= 1
        while True:
            if len(self.buf) >= 8:
                typ, flags, zero, n = struct.unpack(">BBHI", self.buf[:8])
                assert zero == 0
                if len(self.buf) >= 8 + n:
                    body, self.buf = self.buf[8 : 8 + n], self.buf[8 + n :]
                    return typ, flags, Body(body)
            more = self.conn.recv(65536)
            assert more, "the host closed"
            self.buf += more

    def record(self, i):  # of the outbox
        text, ident = self.state["outbox"][i]
        return str8(self.room) + struct.pack(">Q", 0) + str8(ident) + str8("") + b"\0" + text.encode()

    def outbox_chain(self, n):
        c = bytes(32)
        for i in range(n):
            c = chain(c, i + 1, self.record(i))
        return c

    def run(self):
        outbox, log = self.state["outbox"], self.state["log"]
        for text in self.messages[len(outbox) :]:  # S1: accepted when it is on the disk
            outbox.append([text, os.urandom(16).hex()])
        self.save()
        hello = struct.pack(">BHII", 1, 1, 0, 1 << 20) + str8("python") + str8("miniclient")
        hello += bytes.fromhex(self.state["epoch"]) + struct.pack(">QQ", 0, len(outbox)) + bytes(32)
        fresh = not self.state["room_epoch"]
        join = struct.pack(">H", 1) + str8(self.room) + bytes([1 if fresh else 0])
        join += bytes.fromhex(self.state["room_epoch"] or "00" * 16)
        n = self.state["base"] + len(log)
        join += struct.pack(">Q", n) + bytes.fromhex(log[-1]["chain"] if log else "00" * 32)
        self.conn.sendall(frame(HELLO, hello) + frame(JOIN, join))
        handled = back = 0
        back = sum(1 for m in log if m["own"])
        while handled < len(outbox) or back < len(outbox):
            typ, flags, b = self.read()
            if typ == HELLO:
                b.take(1 + 2 + 4 + 4)
                b.str8(), b.str8()
                epoch, n, c = b.take(16), b.num(8), b.take(32)
                if epoch.hex() != self.state["epoch"]:  # S5
                    n = 0
                assert n <= len(outbox) and (n == 0 or c == self.outbox_chain(n)), "a fork"
                handled = n
                for i in range(n, len(outbox)):
                    self.conn.sendall(frame(PUBLISH, struct.pack(">Q", i + 1) + self.record(i)))
            elif typ == JOIN and flags == 1:
                b.take(2)
                verdict = b.num(1)
                b.str8(), b.str8()
                epoch, base = b.take(16), b.num(8)
                assert verdict == 0 and base == self.state["base"] + len(log), "the copy cannot go on"
                self.state["room_epoch"] = epoch.hex()
            elif typ == MESSAGE:
                back += self.message(b, flags)
            elif typ == ACK:
                assert b.num(2) == 0
                handled = max(handled, b.num(8))
                assert handled <= len(outbox)
            elif typ == PING:
                self.conn.sendall(frame(PONG, b.rest()))
            elif typ == CLOSE:
                sys.exit("closed: %d" % b.num(2))
            else:
                assert typ in (RECEIPT, EPHEMERAL, PONG), "frame %x" % typ
        for i, m in enumerate(log):
            print(self.state["base"] + i + 1, "me" if m["own"] else m["sender"], m["text"])
        self.conn.sendall(frame(CLOSE, struct.pack(">HI", 0, 0) + str8("")))

    def message(self, b, flags):
        log = self.state["log"]
        b.take(2)
        offset = b.num(8)
        want = self.state["base"] + len(log) + 1
        assert offset <= want, "a gap"  # R1
        if offset < want:
            return 0
        start = b.at
        b.take(8)
        sender = b.str8()
        b.str8()
        ident = b.str8()
        b.str8()
        for _ in range(b.num(1)):
            b.str8()
            b.take(b.num(2))
        head, body = b.b[start : b.at], b.rest()
        own = any(ident == i for _, i in self.state["outbox"])
        if flags & 1:
            body = next(t for t, i in self.state["outbox"] if i == ident).encode()
        before = bytes.fromhex(log[-1]["chain"]) if log else bytes(32)
        log.append({"own": own, "sender": sender, "text": body.decode(), "chain": chain(before, offset, head + body).hex()})
        self.save()
        self.conn.sendall(frame(ACK, struct.pack(">HQI", 1, offset, 1 << 20)))
        return 1 if own else 0


if __name__ == "__main__":
    Client(*sys.argv[1:7], sys.argv[7:]).run()
