package qconv_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestNamedTests looks for the tests that docs/reliability.md names. A name may end in … for several.
func TestNamedTests(t *testing.T) {
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	source := readAll(t, "*_test.go")
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)(…?)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 10 {
		t.Fatalf("docs/reliability.md names %d tests", len(names))
	}
	for _, m := range names {
		end := "("
		if m[2] != "" {
			end = ""
		}
		if !strings.Contains(source, "\nfunc "+m[1]+end) {
			t.Errorf("docs/reliability.md names %s, which is no test", m[0])
		}
	}
}

// readAll is the text of all files of the checkout that match.
func readAll(t *testing.T, patterns ...string) string {
	t.Helper()
	files, err := exec.Command("git", append([]string{"ls-files", "--"}, patterns...)...).Output()
	if err != nil {
		t.Skipf("no git checkout: %v", err)
	}
	var text strings.Builder
	for _, name := range strings.Fields(string(files)) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(data)
	}
	return text.String()
}

// TestMessages looks for the messages that docs/troubleshooting.md explains: what stands between dots and names in capitals must be in a program's text.
func TestMessages(t *testing.T) {
	page, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	source := readAll(t, "*.go", ":!*_test.go")
	checked := 0
	for _, line := range regexp.MustCompile(`(?m)^\*\*.*?\*\*`).FindAllString(string(page), -1) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1) {
			for _, part := range regexp.MustCompile(`\.\.\.|\b[A-Z]+\b`).Split(m[1], -1) {
				if part = strings.TrimSpace(part); len(part) < 4 {
					continue
				}
				if checked++; !strings.Contains(source, part) {
					t.Errorf("docs/troubleshooting.md explains %q, which no program says: %q", m[1], part)
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d messages were found", checked)
	}
}
