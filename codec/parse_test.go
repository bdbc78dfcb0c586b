package codec

import (
	"net/url"
	"strings"
	"testing"
)

func TestParseAndString(t *testing.T) {
	tests := []struct {
		spec, canonical string
		limit           int
	}{
		{"dotnet", "dotnet", 1 << 20},
		{"DotNet", "dotnet", 1 << 20},
		{"lines", "lines", 64 << 10},
		{"lines?eol=lf", "lines", 64 << 10},
		{"lines?eol=CRLF", "lines?eol=crlf", 64 << 10},
		{"lines?max=65536", "lines", 64 << 10},
		{"lines?max=64k", "lines", 64 << 10},
		{"lines?max=64KB", "lines", 64 << 10},
		{"lines?max=1048576", "lines?max=1MiB", 1 << 20},
		{"lines?max=1M", "lines?max=1MiB", 1 << 20},
		{"lines?max=2kib", "lines?max=2KiB", 2 << 10},
		{"lines?max=100", "lines?max=100", 100},
		{"lines?max=100B", "lines?max=100", 100},
		{"lines?max=16MiB&eol=cr", "lines?eol=cr&max=16MiB", 16 << 20},
		{"delim?end=1c0d", "delim?end=1C0D", 64 << 10},
		{"delim?end=0x1C%200x0D&start=0b", "delim?start=0B&end=1C0D", 64 << 10},
		{"delim?preset=mllp", "delim?preset=mllp", 64 << 10},
		{"delim?preset=stx&max=1KiB", "delim?preset=stx&max=1KiB", 1 << 10},
		{"len8", "len8", 255},
		{"len8?includes=self", "len8?includes=self", 254},
		{"len16", "len16", 65535},
		{"len16?includes=self&order=le", "len16?order=le&includes=self", 65533},
		{"len32?order=be&includes=body", "len32", 1 << 20},
		{"len64?max=10", "len64?max=10", 10},
		{"varint?max=3MiB", "varint?max=3MiB", 3 << 20},
		{"fixed?n=16", "fixed?n=16", 16},
		{"json", "json", 1 << 20},
		{"cobs", "cobs", 1 << 20},
		{"slip", "slip", 1 << 20},
		{"idle", "idle", 1 << 20},
		{"idle?ms=50", "idle", 1 << 20},
		{"idle?ms=20&max=1KiB", "idle?ms=20&max=1KiB", 1 << 10},
		{"raw", "raw", 1 << 20},
	}
	for _, tt := range tests {
		c := parse(t, tt.spec)
		if c.String() != tt.canonical || c.Limit() != tt.limit {
			t.Errorf("%s is %s with limit %d, want %s with %d", tt.spec, c, c.Limit(), tt.canonical, tt.limit)
		}
		if again := parse(t, c.String()); again.String() != c.String() || again.Limit() != c.Limit() {
			t.Errorf("%s, parsed again, is %s with limit %d", c, again, again.Limit())
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ spec, text string }{
		{"", `no codec ""`},
		{"linse", `no codec "linse", did you mean lines?`},
		{"dotne", "did you mean dotnet?"},
		{"telnet", "known: lines, dotnet, raw,"},
		{"lines?max=%zz", "cannot be read"},
		{"lines?eol=lfcr", "eol=lfcr is not possible (it is lf or crlf or cr)"},
		{"lines?end=0A", `lines has no option "end" (it has eol, max)`},
		{"dotnet?order=le", `dotnet has no option "order" (it has max)`},
		{"delim", "it needs end= in hex"},
		{"delim?end=", "it needs end= in hex"},
		{"delim?end=xyz", "end=xyz is not 1 to 16 bytes in hex"},
		{"delim?end=" + rep("00", 17), "is not 1 to 16 bytes in hex"},
		{"delim?end=0A&start=0", "start=0 is not 1 to 16 bytes in hex"},
		{"delim?preset=mllp&end=0A", "preset=mllp already says start and end"},
		{"delim?preset=hl7", "preset=hl7 is not possible"},
		{"len8?max=256", "max=256 is not possible (it is 1 to 255)"},
		{"len16?max=1MiB", "(it is 1 to 65535)"},
		{"len16?includes=self&max=65534", "(it is 1 to 65533)"},
		{"len32?order=middle", "order=middle is not possible"},
		{"len32?includes=all", "includes=all is not possible"},
		{"fixed", "it needs n=1 to 16777216"},
		{"fixed?n=0", "n=0 is not possible"},
		{"fixed?n=16777217", "n=16777217 is not possible"},
		{"fixed?n=x", "n=x is not possible"},
		{"fixed?n=4&max=4", `fixed has no option "max"`},
		{"idle?ms=0", "ms=0 is not possible (it is 1 to 60000)"},
		{"idle?ms=-5", "ms=-5 is not possible"},
		{"raw?max=0", "max=0 is not possible (it is 1 to 16MiB)"},
		{"raw?max=-1", "max=-1 is not possible"},
		{"raw?max=17MiB", "max=17MiB is not possible"},
		{"raw?max=16777217", "max=16777217 is not possible"},
		{"raw?max=9999999999999999999", "is not possible"},
		{"raw?max=8796093022208MiB", "is not possible"}, // 2^63 in bytes
		{"raw?max=1GiB", "max=1GiB is not possible"},
		{"raw?max=1i", "is not possible"},
		{"raw?max=MiB", "max=MiB is not possible"},
		{"raw?max=1.5MiB", "is not possible"},
	}
	for _, tt := range tests {
		c, err := Parse(tt.spec)
		if err == nil || c != nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v %v, want %q", tt.spec, c, err, tt.text)
		}
	}
}

func TestNames(t *testing.T) {
	need := map[string]url.Values{"delim": {"end": {"0A"}}, "fixed": {"n": {"4"}}}
	for _, name := range Names() {
		c, err := New(name, need[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s, _, _ := strings.Cut(c.String(), "?"); s != name {
			t.Errorf("%s is called %s", name, s)
		}
	}
	if len(Names()) != len(makers) {
		t.Errorf("%d names of %d codecs", len(Names()), len(makers))
	}
}
