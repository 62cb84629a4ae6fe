package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestArrayShard reads the variables of every scheduler.
func TestArrayShard(t *testing.T) {
	for _, c := range []struct {
		env  string
		want string // "I of N", or a part of the error
	}{
		{"SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0", "4 of 4"},
		{"SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1", "1 of 4"},
		{"SLURM_ARRAY_TASK_ID=12 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=4", "4 of 4"},
		{"SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1", "is none of them"},
		{"SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=2 QCONV_SHARDS=4", "has 1 tasks, QCONV_SHARDS is 4"},
		{"SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=x SLURM_ARRAY_TASK_MIN=2", "SLURM_ARRAY_TASK_COUNT is x, want a whole number"},
		{"JOB_COMPLETION_INDEX=0 QCONV_SHARDS=5", "1 of 5"},
		{"JOB_COMPLETION_INDEX=5 QCONV_SHARDS=5", "is none of them"},
		{"JOB_COMPLETION_INDEX=0", "QCONV_SHARDS, the number of its tasks, is not"},
		{"PBS_ARRAY_INDEX=2 QCONV_SHARDS=2", "2 of 2"},
		{"PBS_ARRAY_INDEX=0 QCONV_SHARDS=2", "is none of them"},
		{"SGE_TASK_ID=5 SGE_TASK_FIRST=1 SGE_TASK_LAST=8 SGE_TASK_STEPSIZE=2", "3 of 4"},
		{"SGE_TASK_ID=undefined SGE_TASK_FIRST=undefined", "no array job"},
		{"SGE_TASK_ID=1 SGE_TASK_FIRST=1 SGE_TASK_LAST=2 SGE_TASK_STEPSIZE=1 JOB_COMPLETION_INDEX=0", "several kinds: the variables JOB_COMPLETION_INDEX and SGE_TASK_ID"},
		{"", "none of the variables SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX"},
	} {
		env := map[string]string{}
		for _, v := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		s, err := arrayShard(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		got := s.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: got %s, want %s", c.env, got, c.want)
		}
	}
}

// TestEvalShards makes parts of evaluations of classes, of reconstructions and of another network, and wants of merge what eval says of all samples.
func TestEvalShards(t *testing.T) {
	dir, model := importDigits(t)
	auto := filepath.Join(dir, "ae.q.onnx")
	mustCall(t, "import", bundled(t, "digits_ae.onnx"), "--scale", "1/255", "-o", auto)
	program := filepath.Join(dir, "digits.qlut")
	digits := bundled(t, "digits")
	mustCall(t, "convert", model, "--calib", digits+"#train", "--samples", "50", "--fast", "-o", program)
	numbers := newRegression(t, 3, 700)
	for name, args := range map[string][]string{
		"classes":        {model, "--data", digits + "#train"},
		"compared":       {program, "--data", digits + "#train", "--against", model, "--samples", "700"},
		"reconstruction": {auto, "--data", digits + "#train", "--no-labels"},
		"targets":        {numbers.model, "--data", numbers.csv(t, true)},
	} {
		parts := filepath.Join(dir, name)
		whole, joined := filepath.Join(dir, name+".csv"), filepath.Join(dir, name+"2.csv")
		args = append([]string{"eval"}, args...)
		page, page2 := filepath.Join(dir, name+".html"), filepath.Join(dir, name+"2.html")
		want := mustCall(t, append(args, "--json", "--predictions", whole, "--html", page)...)
		var r evalReport
		if err := json.Unmarshal([]byte(want), &r); err != nil || r.Samples < 600 {
			t.Fatalf("%s: %d samples (%v)", name, r.Samples, err)
		}
		const count = 3
		for i := count; i > 0; i-- {
			mustCall(t, append(args, "--predictions", "kept", "--shard", fmt.Sprintf("%d/%d", i, count), "-o", parts)...)
		}
		if got := mustCall(t, "merge", parts, "--json", "--predictions", joined, "--html", page2); got != want {
			t.Errorf("%s: merge says\n%s\neval\n%s", name, got, want)
		}
		for _, pair := range [][2]string{{whole, joined}, {page, page2}} {
			a, errA := os.ReadFile(pair[0])
			b, errB := os.ReadFile(pair[1])
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s is other than %s (%v, %v)", name, filepath.Base(pair[1]), filepath.Base(pair[0]), errA, errB)
			}
		}
		if got, want := mustCall(t, "merge", parts), mustCall(t, args...); got != want {
			t.Errorf("%s: merge says\n%s\neval\n%s", name, got, want)
		}
	}
	if code, _, stderr := call("merge", filepath.Join(dir, "targets"), "--min-r2", "1"); code != exitGate {
		t.Errorf("a gate: exit %d, %s", code, stderr)
	}
}

// TestShardsThatDoNotFit wants errors that name both files.
func TestShardsThatDoNotFit(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits") + "#test"
	shards := func(folder string, args ...string) string {
		folder = filepath.Join(dir, folder)
		mustCall(t, append([]string{"eval", model, "--data", data, "-o", folder}, args...)...)
		return folder
	}
	two := shards("a", "--shard", "1/2")
	other := shards("b", "--shard", "2/2", "--samples", "100")
	third := shards("c", "--shard", "3/3")
	again := shards("d", "--shard", "1/2")
	broken := writeFile(t, "shard-2-of-2.json", `{"part_of":"eval"}`)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{two}, []string{"a/shard-1-of-2.json", "missing", "shard-2-of-2.json"}},
		{[]string{two, other}, []string{"a/shard-1-of-2.json", `--samples "0"`, "b/shard-2-of-2.json", `"100"`}},
		{[]string{two, third}, []string{"a/shard-1-of-2.json is one of 2 parts", "c/shard-3-of-3.json one of 3"}},
		{[]string{two, again}, []string{"a/shard-1-of-2.json", "d/shard-1-of-2.json are both shard 1 of 2"}},
		{[]string{two, broken}, []string{broken, "is no part"}},
		{[]string{model}, []string{model, "is no part"}},
		{[]string{dir}, []string{"holds no parts"}},
	} {
		code, _, stderr := call(append([]string{"merge"}, c.args...)...)
		for _, want := range c.want {
			if code != exitBadInput || !strings.Contains(stderr, want) {
				t.Errorf("merge %q: exit %d, %s; want %q", c.args, code, stderr, want)
			}
		}
	}
	if code, _, stderr := call("eval", model, "--data", data, "--seed", "2", "--shard", "1/2", "-o", two); code != exitBadInput || !strings.Contains(stderr, `--seed "1", the present command with "2"`) {
		t.Errorf("a part of other flags is there: exit %d, %s", code, stderr)
	}
	var r partReport
	if mustJSON(t, &r, "eval", model, "--data", data, "--shard", "1/2", "-o", two); !r.There {
		t.Errorf("got %+v of a part that is there", r)
	}
}

// TestSweepShards makes a sweep in three parts, two of them in one folder, and wants the folder of a sweep in one.
func TestSweepShards(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	args := []string{"sweep", model, "--data", data + "#train", "--samples", part, "--calib-samples", "50", "--fast", "--levels", "4,16", "--weights", "2,8", "--codebook", "integer", "--jobs", "1"}
	folder := filepath.Join(dir, "sweep")
	want := mustCall(t, append(args, "-o", folder, "--json")...)
	files := filesOf(t, folder)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	mustCall(t, append(args, "-o", first, "--shard", "1/3")...)
	mustCall(t, append(args, "-o", second, "--shard", "2/3")...)
	if code, _, stderr := call("merge", first, second, "-o", folder); code != exitBadInput || !strings.Contains(stderr, "shard-3-of-3.json") {
		t.Errorf("a part is missing: exit %d, %s", code, stderr)
	}
	mustCall(t, append(args, "-o", second, "--shard", "3/3")...)
	if got := mustCall(t, "merge", second, first, "-o", folder, "--json"); got != want {
		t.Errorf("merge says\n%s\nsweep\n%s", got, want)
	}
	joined := filesOf(t, folder)
	if len(joined) != len(files) {
		t.Errorf("%d files, want %d", len(joined), len(files))
	}
	for name, data := range files {
		if !bytes.Equal(joined[name], data) {
			t.Errorf("%s is other than in one run", name)
		}
	}

	row := filepath.Join(second, "A4W8-integer.qlut")
	data2, err := os.ReadFile(row)
	if err != nil {
		t.Fatal(err)
	}
	data2[len(data2)/2] ^= 1
	if err := os.WriteFile(row, data2, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call("merge", first, second, "-o", filepath.Join(dir, "other")); code != exitBadInput || !strings.Contains(stderr, "A4W8-integer.qlut is not the program") {
		t.Errorf("a damaged program: exit %d, %s", code, stderr)
	}
}

// TestBrokenParts changes bytes of a part at random: merge takes it or says that it is none.
func TestBrokenParts(t *testing.T) {
	numbers := newRegression(t, 3, 300)
	dir := t.TempDir()
	program := filepath.Join(dir, "p.qlut")
	data := numbers.csv(t, true)
	mustCall(t, "convert", numbers.model, "--calib", data, "--calib-samples", "50", "--fast", "-o", program)
	mustCall(t, "eval", program, "--against", numbers.model, "--data", data, "--shard", "1/1", "-o", dir)
	path := filepath.Join(dir, "shard-1-of-1.json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, []byte(`"facts"`)) // what comes before has a digest
	r := rand.New(rand.NewPCG(5, 6))
	refused := 0
	for range 300 {
		broken := bytes.Clone(whole)
		for range 1 + r.IntN(3) {
			broken[at+r.IntN(len(broken)-at)] = "0123456789,]}[{-e"[r.IntN(17)]
		}
		if err := os.WriteFile(path, broken, 0o644); err != nil {
			t.Fatal(err)
		}
		switch code, _, stderr := call("merge", path, "--json"); code {
		case exitOK:
		case exitBadInput:
			refused++
		default:
			t.Errorf("exit %d, %s of\n%s", code, stderr, broken)
		}
	}
	if refused < 100 {
		t.Errorf("%d of 300 broken parts are refused", refused)
	}
}
