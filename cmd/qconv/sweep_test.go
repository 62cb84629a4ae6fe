package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filesOf are the files of a folder by name.
func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range list {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestSweep makes a small sweep, takes some rows away, and wants the same folder from the same command, also with other jobs, in which what was
// there is not touched.
func TestSweep(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	folder := filepath.Join(dir, "sweep")
	args := []string{"sweep", model, "--data", data + "#train", "--val", data + "#test", "--samples", part, "--calib-samples", "100", "--fast",
		"--levels", "4,16", "--weights", "2,16", "--codebook", "integer", "-o", folder}
	var r sweepReport
	mustJSON(t, &r, append(args, "--jobs", "2")...)
	files := filesOf(t, folder)
	if len(r.Rows) != 4 || len(files) != 2*4+4 {
		t.Fatalf("%d rows, %d files", len(r.Rows), len(files))
	}
	for i, name := range []string{"A4W2-integer", "A4W16-integer", "A16W2-integer", "A16W16-integer"} {
		row := r.Rows[i]
		if row.Name != name || row.FileBytes != len(files[row.Program]) || row.Metrics.Samples != 150 {
			t.Errorf("row %d is %+v", i, row.sweepRow)
		}
		var e evalReport
		mustJSON(t, &e, "eval", filepath.Join(folder, row.Program), "--data", data+"#test")
		if off := *e.Accuracy - *row.Metrics.Accuracy; off > 0.1 || off < -0.1 {
			t.Errorf("%s: the program is right on %g of all test samples, its row says %g of a part of them", name, *e.Accuracy, *row.Metrics.Accuracy)
		}
	}
	if *r.Rows[3].Metrics.Accuracy < *r.Rows[0].Metrics.Accuracy+0.2 || !r.Rows[0].Efficient || !r.Rows[3].Efficient {
		t.Errorf("got %+v and %+v", r.Rows[0], r.Rows[3])
	}
	rows, err := csv.NewReader(bytes.NewReader(files["sweep.csv"])).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Errorf("%d rows of CSV (%v)", len(rows), err)
	}

	for _, name := range []string{"A4W16-integer.json", "A4W2-integer.qlut", "A16W2-integer.json", "A16W2-integer.qlut", "index.html"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	kept := filepath.Join(folder, "A16W16-integer.json")
	before, err := os.Stat(kept)
	if err != nil {
		t.Fatal(err)
	}
	mustCall(t, append(args, "--jobs", "1")...)
	if after, err := os.Stat(kept); err != nil || !os.SameFile(before, after) {
		t.Errorf("a row that was there was written again (%v)", err)
	}
	for name, data := range filesOf(t, folder) {
		if !bytes.Equal(data, files[name]) {
			t.Errorf("%s is other than in one run", name)
		}
	}

	if code, _, stderr := call(append(args, "--seed", "7")...); code != exitBadInput || !strings.Contains(stderr, `A4W2-integer.json is of a sweep with --seed "1", now it is "7"; give the same again, or another folder with -o`) {
		t.Errorf("another seed: exit %d, %s", code, stderr)
	}
	if err := os.WriteFile(kept, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(args...); code != exitBadInput || !strings.Contains(stderr, "A16W16-integer.json is no row of a sweep") {
		t.Errorf("a damaged row: exit %d, %s", code, stderr)
	}
}

// TestSweepTrains makes two rows by training, at the same time as one after the other.
func TestSweepTrains(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	var all []map[string][]byte
	for _, jobs := range []string{"1", "2"} {
		folder := filepath.Join(dir, jobs)
		mustCall(t, "sweep", model, "--data", data+"#train", "--samples", part, "--calib-samples", "50", "--steps", "8", "--batch", "16",
			"--levels", "16", "--weights", "4,16", "--codebook", "free", "-o", folder, "--jobs", jobs)
		all = append(all, filesOf(t, folder))
	}
	if len(all[0]) != 2*2+4 {
		t.Errorf("%d files", len(all[0]))
	}
	for name, data := range all[0] {
		if !bytes.Equal(data, all[1][name]) {
			t.Errorf("%s is other with two jobs", name)
		}
	}
}

// TestEfficient marks what nothing beats in both figures; equals stand beside each other.
func TestEfficient(t *testing.T) {
	row := func(bytes int, accuracy float64) *sweepRow {
		return &sweepRow{FileBytes: bytes, Metrics: &metrics{Accuracy: &accuracy}}
	}
	rows := []*sweepRow{row(10, 0.5), row(20, 0.7), row(20, 0.7), row(25, 0.6), row(30, 0.7), row(40, 0.9), {Failed: "diverged"}}
	r := newSweepReport(rows, []int64{7, 6, 5, 0, 0, 0, 0})
	for i, want := range []bool{true, true, true, false, false, true, false} {
		if r.Rows[i].Efficient != want {
			t.Errorf("row %d: efficient %v, want %v", i, r.Rows[i].Efficient, want)
		}
	}
}
