// Package tincan talks over TCP: one side listens, the other dials, and both exchange messages that are kept
// in a journal.
//
// A [Node] is one running tincan. [Open] it on a folder, [Node.Listen] or [Node.Dial], then [Node.Send] and
// range over [Node.Messages] or [Node.Events]. An address is a URL whose scheme is how messages become bytes:
//
//	lines://host:7000            text lines
//	dotnet://:7000               .NET BinaryWriter.Write(string)
//	len32://host:7000?order=le   length prefix
//	tincan://host:7000           between two tincans: keys, TLS, every message on both disks
//	127.0.0.1:7000               listen: dotnet, lines or raw, as the peer's first bytes say; dial: lines
//
// A room is one ordered log of messages, numbered 1, 2, 3 …. Each connection that is accepted has a room of
// its own, unless the listener names one for all (lines://:7000/lobby); each dialled address has one that
// lasts over reconnects and restarts. Whatever moves is a cursor over a room: a link that sends, a program
// that reads, a receipt.
//
// A receipt says how far a message got. [Queued] is on this disk, [Written] is handed to the kernel,
// [Reached] is acknowledged by the peer's TCP. On a plain TCP connection nobody can know more: the peer's
// program may still not have read it. When such a link ends before that, the message is [Uncertain], and is
// never sent again unless somebody asks for it. Between two tincans a message is [Stored] when it is on the
// other's disk, and until then it is owed.
//
// A program that answers messages does so with [Node.Handle], once for each, whatever kills it.
//
// The package does no logging unless [Node.SetLog] is called, starts no process, and touches no file outside
// its folder.
package tincan
