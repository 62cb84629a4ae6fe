package main

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// manifest lists, by section, the networks that are not right yet or cannot be, each with the reason.
const manifest = "testdata/cases.txt"

// readManifest reads the lines "name: reason" of one [section].
func readManifest(t *testing.T, section string) map[string]string {
	t.Helper()
	f, err := os.Open(manifest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	listed, in, at := map[string]string{}, "", 0
	for s := bufio.NewScanner(f); s.Scan(); {
		at++
		line := strings.TrimSpace(s.Text())
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			in = strings.Trim(line, "[]")
		case in == section:
			name, reason, _ := strings.Cut(line, ": ")
			if reason == "" || listed[name] != "" {
				t.Errorf("%s:%d: %q has no reason, or is listed twice", manifest, at, name)
			}
			listed[name] = reason
		}
	}
	return listed
}

// checkManifest reports a network that is listed and right, or not listed and wrong.
func checkManifest(t *testing.T, listed map[string]string, name string, err error) {
	t.Helper()
	switch reason, ok := listed[name]; {
	case err != nil && !ok:
		t.Error(err)
	case err == nil && ok:
		t.Errorf("is right, but %s lists it: %s", manifest, reason)
	case err != nil:
		t.Logf("listed (%s): %v", reason, err)
	}
}

// checkListed reports names of the manifest that are no networks of the folder.
func checkListed(t *testing.T, listed map[string]string, names []string) {
	t.Helper()
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	for name := range listed {
		if !there[name] {
			t.Errorf("%s lists %q, which is not there", manifest, name)
		}
	}
}
