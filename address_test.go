package tincan

import "testing"

func TestParseAddress(t *testing.T) {
	for _, tt := range []struct {
		in     string
		d      direction
		want   string // String; "" is an error
		hostPt string
	}{
		{"7000", toListen, "auto://127.0.0.1:7000", "127.0.0.1:7000"},
		{"7000", toDial, "lines://127.0.0.1:7000", "127.0.0.1:7000"},
		{":7000", toListen, "auto://:7000", ":7000"},
		{":7000", toDial, "lines://127.0.0.1:7000", "127.0.0.1:7000"},
		{"*:7000", toListen, "auto://:7000", ":7000"},
		{" host:07000 ", toDial, "lines://host:7000", "host:7000"},
		{"tcp://host:7000", toDial, "lines://host:7000", "host:7000"},
		{"TCP://:7000", toListen, "auto://:7000", ":7000"},
		{"DotNet://[::1]:7000", toDial, "dotnet://[::1]:7000", "[::1]:7000"},
		{"lines://:7000/lobby?eol=crlf", toListen, "lines://:7000/lobby?eol=crlf", ":7000"},
		{"tls+len32://host:1?order=le&insecure&held=send&encoding=gbk", toDial, "tls+len32://host:1?order=le", "host:1"},
		{"", toDial, "", ""},
		{"host", toDial, "", ""},
		{"host:0", toDial, "", ""},
		{"host:65536", toDial, "", ""},
		{"::1:7000", toDial, "", ""},
		{"ho st:7000", toDial, "", ""},
		{"lines://host:7000/room", toDial, "", ""},
		{"tincan://host:7000", toDial, "tincan://host:7000", "host:7000"},
		{"tincan://host:7000/lobby?history=20", toDial, "tincan://host:7000/lobby", "host:7000"},
		{"tincan://:7000?admit=ask", toListen, "tincan://:7000", ":7000"},
		{"tincan://host:7000?secret=abc", toDial, "", ""},
		{"tincan://host:7000?key=tc1abc", toDial, "", ""},
		{"tincan://host:7000?code=12", toDial, "", ""},
		{"tincan://host:7000?history=none", toDial, "", ""},
		{"tincan://host:7000?admit=ask", toDial, "", ""},
		{"tincan://:7000?admit=nobody", toListen, "", ""},
		{"tls+tincan://host:7000", toDial, "", ""},
		{"auto://host:7000", toDial, "", ""},
		{"lines://host:7000?nonsense=1", toDial, "", ""},
		{"lines://host:7000?held=maybe", toDial, "", ""},
		{"tls+lines://:7000", toListen, "", ""},
	} {
		a, err := parseAddress(tt.in, tt.d)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%q: read as %s, want an error", tt.in, a)
		case tt.want == "":
			if _, hint, code := Explain(err); code != CodeUsage || hint == "" {
				t.Errorf("%q: %v has the code %s and the hint %q", tt.in, err, code, hint)
			}
		case err != nil:
			t.Errorf("%q: %v", tt.in, err)
		case a.String() != tt.want || a.hostport() != tt.hostPt:
			t.Errorf("%q: %s at %s, want %s at %s", tt.in, a, a.hostport(), tt.want, tt.hostPt)
		}
	}
}
