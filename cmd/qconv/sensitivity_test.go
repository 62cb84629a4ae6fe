package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/finetune"
)

// TestSensitivity wants a row for every layer, value and number, in the table as in JSON, from samples that ranges were not chosen from.
func TestSensitivity(t *testing.T) {
	dir, model := importDigits(t)
	table := filepath.Join(dir, "table.csv")
	args := []string{"sensitivity", model, "--data", bundled(t, "digits") + "#train", "--samples", part, "--calib-samples", "100", "--levels", "4,32", "--weights", "2,16", "--codebook", "integer"}
	var r sensitivityReport
	mustJSON(t, &r, append(args, "--csv", table)...)
	file, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(r.Trials) || len(r.Trials) < 12 || r.Measured.Samples != 200 || r.Measured.Calibration {
		t.Fatalf("%d rows, %d trials, measured on %+v", len(rows), len(r.Trials), r.Measured)
	}
	for i := 0; i+1 < len(r.Trials); i += 2 {
		few, many := r.Trials[i], r.Trials[i+1]
		if few.Tensor != many.Tensor || !(many.SNR > few.SNR) || *many.Agreement < *few.Agreement {
			t.Errorf("%+v is not better than %+v", many, few)
		}
		if rows[1+i][0] != few.Name || rows[1+i][1] != string(few.Of) {
			t.Errorf("row %d is %q", i, rows[1+i])
		}
	}
	if out := mustCall(t, args...); !strings.Contains(out, "from which nothing was chosen") || strings.Count(out, string(finetune.OfLevels)) < 4 {
		t.Errorf("got\n%s", out)
	}
	for _, tt := range []struct{ flag, value, want string }{
		{"--levels", "8,300", `flag --levels: got "300", want a list of numbers from 2 to 256 such as 8,16,32`},
		{"--weights", "4;16", `flag --weights: got "4;16", want a list of numbers from 2 to 65536 such as 4,16,64`},
		{"--codebook", "cheep", `flag --codebook: got "cheep", want a list of free, integer, cheap`},
		{"--scope", "global", `flag --scope: got "global", want layer: a layer alone has a codebook of its own`},
		{"--steps", "-1", "flag --steps: got -1, want 0 or more"},
	} {
		if code, _, stderr := call("sensitivity", model, "--data", "x", tt.flag, tt.value); code != exitUsage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s %s: exit %d, %s", tt.flag, tt.value, code, stderr)
		}
	}
}
