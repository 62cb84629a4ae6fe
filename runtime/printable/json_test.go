package printable

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	names := []string{"plain", "grün", "a\u202eb", "\x7f", "line\nend", "\x1b[2J", "\u2028", "a\u200bb", "\U000e0041", "日本", "\u00a0"}
	plain, err := json.MarshalIndent(names, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := JSON(plain)
	if text := string(got); Text(text) != text || strings.Contains(text, "\u00a0") {
		t.Errorf("document holds what cannot be printed: %q", text)
	}
	if !strings.Contains(string(got), "grün") || !strings.Contains(string(got), "日本") {
		t.Errorf("document %q does not hold what can be printed", got)
	}
	var back []string
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	for i, want := range names {
		if back[i] != want {
			t.Errorf("name %q comes back as %q", want, back[i])
		}
	}
}
