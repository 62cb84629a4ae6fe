package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"

	"qconv/finetune/dataset"
	"qconv/onnx"
)

// TestRealModels takes public files of many exporters through the whole chain: they match the values of
// ONNX Runtime beside them, convert and stay close as integers.
func TestRealModels(t *testing.T) { checkRealModels(t, "real-models") }

// TestSequenceModels does so with streaming networks; those with recurrence are listed.
func TestSequenceModels(t *testing.T) { checkRealModels(t, "sequences") }

// wholeModel is the size in bytes above which the short form of the tests leaves a file out.
const wholeModel = 256 << 10

func checkRealModels(t *testing.T, folder string) {
	root := shared(t, folder)
	models, err := filepath.Glob(filepath.Join(root, "*.onnx"))
	if err != nil || len(models) == 0 {
		t.Fatalf("no models (%v)", err)
	}
	notes, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := readManifest(t, folder)
	var names []string
	for _, model := range models {
		name := strings.TrimSuffix(filepath.Base(model), ".onnx")
		names = append(names, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if info, err := os.Stat(model); err == nil && info.Size() > wholeModel && testing.Short() {
				t.Skip("a large file")
			}
			checkManifest(t, listed, name, checkRealModel(model, t.TempDir(), dimsOf(string(notes), filepath.Base(model))))
		})
	}
	checkListed(t, listed, names)
}

var dimNote = regexp.MustCompile(`(\S+)=(\d+)`)

// dimsOf takes the flags from the row of a file in the table of notes.
func dimsOf(notes, file string) (flags []string) {
	for _, line := range strings.Split(notes, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) > 6 && strings.Contains(cells[1], "`"+file+"`") {
			for _, m := range dimNote.FindAllString(cells[6], -1) {
				flags = append(flags, "--dim", m)
			}
		}
	}
	return flags
}

// checkRealModel says what is not right with a model.
func checkRealModel(model, dir string, dims []string) error {
	imported, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.qlut")
	if _, _, err := command(append([]string{"import", model, "-o", imported}, dims...)...); err != nil {
		return err
	}
	reference := strings.TrimSuffix(model, ".onnx") + ".ref.npz"
	if _, err := os.Stat(reference); err != nil {
		return checkInteger(imported, program, nil, dir)
	}
	file, err := npz.Open(reference)
	if err != nil {
		return err
	}
	defer file.Close()
	var inputs []string
	want := map[string]string{}
	for _, key := range file.Keys() {
		key = strings.TrimSuffix(key, ".npy")
		if strings.HasPrefix(key, "in.") {
			inputs = append(inputs, key)
		} else {
			want[strings.TrimPrefix(key, "out.")] = key
		}
	}
	if len(inputs) != 1 {
		return fmt.Errorf("%d inputs: %v", len(inputs), inputs)
	}
	x := reference + "#" + inputs[0]
	got, err := outputsOf(imported, x)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(want))
	}
	for _, g := range got {
		w, err := dataset.LoadArray(reference+"#"+want[g.name], dataset.Options{})
		if err != nil {
			return fmt.Errorf("output %q: %w", g.name, err)
		}
		if err := compareOutputs([]namedOutput{g}, []namedOutput{{g.name, rowsOf(w, len(g.rows))}}, nearly); err != nil {
			return err
		}
	}
	like, err := dataset.LoadArray(x, dataset.Options{})
	if err != nil {
		return err
	}
	return checkInteger(imported, program, like, dir)
}

// checkInteger converts an imported network with random inputs, and compares the program with the network on others.
// They are like those given: uniform from 0 to 1, or normal.
func checkInteger(imported, program string, like *dataset.Array, dir string) error {
	graph, err := readShape(imported)
	if err != nil {
		return err
	}
	const calibration, fresh = 4, 2
	rng := rand.New(rand.NewPCG(1, 0))
	draw := rng.NormFloat64
	if like == nil || like.Len() > 0 && within(like, 0, 1) {
		draw = rng.Float64
	}
	var files []string
	for i, count := range []int{calibration, fresh} {
		values := make([]float32, count*elems(graph))
		for k := range values {
			values[k] = float32(draw())
		}
		files = append(files, filepath.Join(dir, fmt.Sprint(i, ".npy")))
		if err := os.WriteFile(files[i], encodeTensor(files[i], append([]int{count}, graph...), values), 0o644); err != nil {
			return err
		}
	}
	if _, err := convertNetwork(imported, program, files[0]); err != nil {
		return err
	}
	want, err := outputsOf(imported, files[1])
	if err != nil {
		return err
	}
	got, err := outputsOf(program, files[1])
	if err != nil {
		return err
	}
	return compareOutputs(got, want, closely)
}

// readShape is the shape of one sample of an imported network's only input.
func readShape(imported string) ([]int, error) {
	f, err := onnx.Read(imported)
	if err != nil {
		return nil, err
	}
	shape, err := inputShape(f)
	return slices.Clone(shape), err
}

func within(a *dataset.Array, lo, hi float64) bool {
	for i := range a.Len() {
		if v := a.At(i); v < lo || v > hi {
			return false
		}
	}
	return true
}
