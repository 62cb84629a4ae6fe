package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"qconv/finetune/dataset"
	qrt "qconv/runtime"
)

const (
	floatTolerance   = 1e-4 // of the largest output
	integerTolerance = 0.05 // root mean square, of the spread of the float outputs
)

// publicCase is a case.json, as the README.md of its folder says.
type publicCase struct{ Expect, Integer string }

// TestCases runs small networks made after public bug reports.
func TestCases(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "cases"), "*", "case.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases (%v)", err)
	}
	listed := readManifest(t, "cases")
	var names []string
	for _, file := range files {
		folder := filepath.Dir(file)
		name := filepath.Base(folder)
		names = append(names, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c publicCase
			data, err := os.ReadFile(file)
			if err == nil {
				err = json.Unmarshal(data, &c)
			}
			if err != nil {
				t.Fatal(err)
			}
			checkManifest(t, listed, name, c.check(folder, t.TempDir()))
		})
	}
	checkListed(t, listed, names)
}

// check says what is not right with a case.
func (c publicCase) check(folder, dir string) error {
	model, x := filepath.Join(folder, "model.onnx"), filepath.Join(folder, "x.npy")
	imported, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.qlut")
	dims, err := importNetwork(model, imported, x)
	var refused *refusedError
	if errors.As(err, &refused) && strings.HasPrefix(c.Expect, "refusal") {
		return nil
	}
	if err != nil {
		return err
	}
	if c.Expect == "refusal" {
		return errors.New("accepted, want a refusal")
	}
	want, err := readOutputs(filepath.Join(folder, "expected.npz"))
	if err != nil {
		return err
	}
	networks := []string{imported}
	if len(dims) == 0 {
		networks = append(networks, model) // run has no --dim
	}
	for _, network := range networks {
		got, err := outputsOf(network, x)
		if err != nil {
			return err
		}
		if err := compareOutputs(got, want, nearly); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(network), err)
		}
	}
	warning, err := convertNetwork(imported, program, filepath.Join(folder, "calib.npz"))
	if err != nil {
		return err
	}
	got, err := outputsOf(program, x)
	if err != nil {
		return err
	}
	err = compareOutputs(got, want, closely)
	if err != nil && c.Integer == "may warn" && strings.Contains(warning, "warning: output ") {
		return nil
	}
	return err
}

// refusedError is a legitimate refusal: exit code 3 or 4 with the cause named.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return "refused: " + e.text }

// command runs qconv and makes an error of a failure.
func command(args ...string) (stdout, stderr string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("qconv %s: panic: %v", args[0], p)
		}
	}()
	code, stdout, stderr := call(args...)
	switch code {
	case exitOK:
		return stdout, stderr, nil
	case exitBadInput, exitUnsupported:
		return "", "", &refusedError{strings.TrimSpace(stderr)}
	}
	return "", "", fmt.Errorf("qconv %s: exit %d: %s", args[0], code, strings.TrimSpace(stderr))
}

var dimFlagText = regexp.MustCompile(`--dim (\S+)=`)

// importNetwork imports a model; symbolic dimensions that the message names are those of the sample.
func importNetwork(model, out, sample string) (dims []string, err error) {
	_, _, err = command("import", model, "-o", out)
	var refused *refusedError
	if !errors.As(err, &refused) {
		return nil, err
	}
	names := dimFlagText.FindAllStringSubmatch(refused.text, -1)
	if len(names) == 0 {
		return nil, err
	}
	x, loadErr := dataset.LoadArray(sample, dataset.Options{})
	if loadErr != nil {
		return nil, loadErr
	}
	// The symbols are those of the last dimensions, in order.
	seen := map[string]bool{}
	names = slices.DeleteFunc(names, func(m []string) bool { was := seen[m[1]]; seen[m[1]] = true; return was })
	if len(names) >= len(x.Shape) {
		return nil, err
	}
	for i, name := range names {
		dims = append(dims, "--dim", fmt.Sprint(name[1], "=", x.Shape[len(x.Shape)-len(names)+i]))
	}
	_, _, err = command(append([]string{"import", model, "-o", out}, dims...)...)
	return dims, err
}

// convertNetwork makes a program with many levels and weights, and runs its self-test.
func convertNetwork(imported, program, calibration string) (warnings string, err error) {
	_, warnings, err = command("convert", imported, "--calib", calibration, "--levels", "256", "--weights", "256", "-o", program)
	if err != nil {
		return "", err
	}
	limits := qrt.Limits{MACs: -1}
	p, err := qrt.OpenWithin(program, limits)
	if err != nil {
		return "", err
	}
	runner, err := qrt.NewRunner(p, qrt.Options{Limits: limits})
	if err != nil {
		return "", err
	}
	return warnings, runner.SelfTest()
}

// namedOutput is one output of all samples, one row each.
type namedOutput struct {
	name string
	rows [][]float64
}

// outputsOf runs a network or program on all samples of a file.
func outputsOf(model string, inputs ...string) ([]namedOutput, error) {
	args := []string{"run", model, "--json"}
	for _, in := range inputs {
		args = append(args, "--input", in)
	}
	stdout, _, err := command(args...)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", filepath.Base(model), err)
	}
	var r runReport
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		return nil, err
	}
	var outs []namedOutput
	for _, sample := range r.Inputs {
		for i, o := range sample.Outputs {
			if i == len(outs) {
				outs = append(outs, namedOutput{name: o.Name})
			}
			outs[i].rows = append(outs[i].rows, o.Values)
		}
	}
	return outs, nil
}

// readOutputs reads out0, out1, ... of an .npz file.
func readOutputs(path string) ([]namedOutput, error) {
	var outs []namedOutput
	for {
		a, err := dataset.LoadArray(fmt.Sprint(path, "#out", len(outs)), dataset.Options{})
		if err != nil && len(outs) > 0 {
			return outs, nil
		}
		if err != nil {
			return nil, err
		}
		outs = append(outs, namedOutput{name: fmt.Sprint("out", len(outs)), rows: rowsOf(a, a.Shape[0])})
	}
}

func rowsOf(a *dataset.Array, count int) [][]float64 {
	rows := make([][]float64, count)
	per := a.Len() / count
	for i := range rows {
		for k := range per {
			rows[i] = append(rows[i], a.At(i*per+k))
		}
	}
	return rows
}

// compareOutputs compares outputs pair by pair.
func compareOutputs(got, want []namedOutput, same func(got, want [][]float64) error) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(want))
	}
	for i, w := range want {
		if len(got[i].rows) != len(w.rows) || len(got[i].rows[0]) != len(w.rows[0]) {
			return fmt.Errorf("output %q has %d samples of %d values, want %d of %d", got[i].name, len(got[i].rows), len(got[i].rows[0]), len(w.rows), len(w.rows[0]))
		}
		if err := same(got[i].rows, w.rows); err != nil {
			return fmt.Errorf("output %q: %w", got[i].name, err)
		}
	}
	return nil
}

// nearly allows float values to differ by a part of the largest. NaN equals NaN.
func nearly(got, want [][]float64) error {
	largest := 1e-30
	for _, w := range slices.Concat(want...) {
		if !math.IsNaN(w) && !math.IsInf(w, 0) {
			largest = max(largest, math.Abs(w))
		}
	}
	for i := range want {
		for k, w := range want[i] {
			g := got[i][k]
			if g == w || g != g && w != w || math.Abs(g-w) <= floatTolerance*largest {
				continue
			}
			return fmt.Errorf("sample %d, element %d is %g, want %g (largest %g)", i, k, g, w, largest)
		}
	}
	return nil
}

// closely allows integer outputs a root mean square difference of a part of the spread of the float ones.
func closely(got, want [][]float64) error {
	g, w := slices.Concat(got...), slices.Concat(want...)
	spread := slices.Max(w) - slices.Min(w)
	sum := 0.0
	for i := range w {
		sum += (g[i] - w[i]) * (g[i] - w[i])
	}
	if rms := math.Sqrt(sum / float64(len(w))); !(rms <= integerTolerance*spread) && rms != 0 {
		return fmt.Errorf("integer values differ by %.3g %% of the spread %.3g", 100*rms/spread, spread)
	}
	return nil
}
