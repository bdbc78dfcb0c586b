// Tests that run the built program against real counterparts. A module of its own, so that what only they
// need stays out of tincan's go.mod; it imports nothing of tincan.
module tincan/e2e

go 1.26

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/hanwen/go-fuse/v2 v2.12.1
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	golang.org/x/sys v0.28.0 // indirect
)
