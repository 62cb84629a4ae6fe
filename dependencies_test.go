package qconv_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDependencies holds the list of modules in docs/dependencies.md against what is built: every module
// once, those that go.mod names without "indirect" in the first table.
func TestDependencies(t *testing.T) {
	text, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct, needed, found := strings.Cut(string(text), "## Needed by these")
	if !found {
		t.Fatal("docs/dependencies.md has lost its headings")
	}
	needed, _, _ = strings.Cut(needed, "## Only")
	row := regexp.MustCompile(`(?m)^\| ([^ |]+\.[^ |]+/[^ |]+) \|.*\| [A-Z].* \|$`)
	modules := func(part string) []string {
		var list []string
		for _, m := range row.FindAllStringSubmatch(part, -1) {
			list = append(list, m[1])
		}
		slices.Sort(list)
		return list
	}
	var wantDirect, wantNeeded []string
	for _, path := range list(t, "-deps", "-f", `{{if not .Standard}}{{with .Module}}{{if not .Main}}{{.Path}} {{.Indirect}}{{end}}{{end}}{{end}}`, "./...") {
		module, indirect, _ := strings.Cut(path, " ")
		if indirect == "true" {
			wantNeeded = append(wantNeeded, module)
		} else {
			wantDirect = append(wantDirect, module)
		}
	}
	for name, c := range map[string]struct{ got, want []string }{
		"used directly": {modules(direct), wantDirect}, "needed by these": {modules(needed), wantNeeded},
	} {
		slices.Sort(c.want)
		if want := slices.Compact(c.want); !slices.Equal(c.got, want) {
			t.Errorf("modules %s: docs/dependencies.md has\n%q, the build\n%q", name, c.got, want)
		}
	}
}
