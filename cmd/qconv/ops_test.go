package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOperatorsInReadme keeps the README's table equal to the program's own.
func TestOperatorsInReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	table := mustCall(t, "ops")
	if !strings.Contains(string(readme), table) {
		t.Errorf("README.md does not hold the output of qconv ops:\n%s", table)
	}
	for _, want := range []string{"| Conv |", "| LSTM | 7..25 | yes |", "| Loop | 1..25 | yes |", "| RoiAlign | none | no |", "| LRN |"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q", want)
		}
	}
}
