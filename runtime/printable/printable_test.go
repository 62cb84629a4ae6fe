package printable_test

import (
	"testing"

	"qconv/runtime/printable"
)

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"conv1/weight:0":         "conv1/weight:0",
		"größe":                  "größe",
		"層":                      "層",
		"":                       `""`,
		"two words":              `"two words"`,
		"a\nqconv: all is well":  `"a\nqconv: all is well"`,
		"\x1b[2Jgone":            `"\x1b[2Jgone"`,
		"tab\there":              `"tab\there"`,
		"right\u202eleft":        `"right\u202eleft"`,
		"zero\u200bwidth":        `"zero\u200bwidth"`,
		"bom\ufeff":              `"bom\ufeff"`,
		"line\u2028separator":    `"line\u2028separator"`,
		"c1\u009b2J":             `"c1\u009b2J"`,
		"broken\xff":             `"broken\xff"`,
		`quo"te`:                 `"quo\"te"`,
		`back\slash`:             `"back\\slash"`,
		"no-break\u00a0space":    `"no-break\u00a0space"`,
		"bell\a":                 `"bell\a"`,
		"overwritten\rby this":   `"overwritten\rby this"`,
		"isolate\u2066x\u2069":   `"isolate\u2066x\u2069"`,
		"deleted\x7f":            `"deleted\x7f"`,
		"private\ue000character": `"private\ue000character"`,
	} {
		if got := printable.Name(name); got != want {
			t.Errorf("Name(%q) = %s, want %s", name, got, want)
		}
	}
	if got, want := printable.Names([]string{"a", "b c"}), `a, "b c"`; got != want {
		t.Errorf("Names = %s, want %s", got, want)
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"two\nlines\tand a tab": "two\nlines\tand a tab",
		"a\x1b[2Jb":             `a\x1b[2Jb`,
		"a\rb\u202ec\xffd":      `a\rb\u202ec\xffd`,
		`back\slash "quoted"`:   `back\slash "quoted"`,
		"line\u2028separator":   `line\u2028separator`,
		"größe\u00a0層":          "größe\u00a0層",
	} {
		if got := printable.Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}
