// Package e2e proves the program from outside: it builds the real binary once and lets it talk with real
// counterparts, a .NET program under Mono, ncat, socat, netcat, openssl, plain sockets that misbehave, and
// itself, killed with SIGKILL at random instants. What it expects is the automation contract of the README;
// it knows nothing of the program's inside and imports none of it.
//
//	helper_test.go    processes, their lines and events, waiting with a deadline
//	contract_test.go  the automation contract, line by line; folder_test.go: two processes on one folder
//	dotnet_test.go    testdata/Peer.cs: TcpListener, TcpClient, BinaryReader, BinaryWriter
//	tools_test.go     ncat, socat, nc; tls_test.go: openssl
//	browser_test.go   the page in Chromium; element_test.go: finding, clicking and typing; page*_test.go: what it must do
//	kill_test.go      two tincans and kill -9
//	hostile_test.go   peers that do harm; trouble_test.go: machines that do (disk, ports, names)
//	slow_test.go      peers that make the program wait or hold much, networks that go away
//	terminal_test.go  the screen, in tmux
//
// A counterpart that is not installed skips its tests with the reason; with CI=true that is a failure.
// TINCAN_BIN names a binary to test instead of one built from the working tree.
package e2e
