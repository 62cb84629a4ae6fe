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
	files, err := exec.Command("git", "ls-files", "*_test.go").Output()
	if err != nil {
		t.Skipf("no git checkout: %v", err)
	}
	var source strings.Builder
	for _, name := range strings.Fields(string(files)) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)(…?)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 10 {
		t.Fatalf("docs/reliability.md names %d tests", len(names))
	}
	for _, m := range names {
		end := "("
		if m[2] != "" {
			end = ""
		}
		if !strings.Contains(source.String(), "\nfunc "+m[1]+end) {
			t.Errorf("docs/reliability.md names %s, which is no test", m[0])
		}
	}
}
