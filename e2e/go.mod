// Tests that run the built program against real counterparts. A module of its own, so that what only they
// need stays out of tincan's go.mod; it imports nothing of tincan.
module tincan/e2e

go 1.26
