package main

import (
	"archive/zip"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"

	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
)

// TestRealModels takes public files of many exporters through the whole chain: they match the values of
// ONNX Runtime beside them, convert and stay close as integers.
func TestRealModels(t *testing.T) { checkRealModels(t, "real-models") }

// TestSequenceModels does so with recurrent and streaming networks.
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
		return checkInteger(imported, program, false, dir)
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
	specs := []string{reference + "#" + inputs[0]}
	if len(inputs) > 1 {
		specs = nil
		for _, in := range inputs {
			specs = append(specs, strings.TrimPrefix(in, "in.")+"="+reference+"#"+in)
		}
	}
	got, err := outputsOf(imported, specs...)
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
		if w.Type == "float16" {
			roundToHalf(g.rows)
		}
		if err := compareOutputs([]namedOutput{g}, []namedOutput{{g.name, rowsOf(w, len(g.rows))}}, nearly); err != nil {
			return err
		}
	}
	normal := false
	for _, in := range inputs {
		like, err := dataset.LoadArray(reference+"#"+in, dataset.Options{})
		if err != nil {
			return err
		}
		normal = normal || like.Len() == 0 || !within(like, 0, 1)
	}
	return checkInteger(imported, program, normal, dir)
}

// roundToHalf rounds values as a network of float16 does with its results: to 11 binary digits, and multiples of 2^-24.
func roundToHalf(rows [][]float64) {
	for _, row := range rows {
		for i, v := range row {
			_, exponent := math.Frexp(v)
			grid := math.Ldexp(1, max(exponent-11, -24))
			row[i] = math.RoundToEven(v/grid) * grid
		}
	}
}

// checkInteger converts an imported network with random inputs, normal or uniform from 0 to 1, and compares the program
// with the network on others.
func checkInteger(imported, program string, normal bool, dir string) error {
	g, err := onnx.Read(imported)
	if err != nil {
		return err
	}
	// A few numbers tell little of a range: small inputs take more samples.
	smallest := math.MaxInt
	for _, v := range g.Inputs {
		smallest = min(smallest, v.Shape.Elems())
	}
	calibration, fresh := max(4, min(64, 2048/smallest)), 2
	rng := rand.New(rand.NewPCG(1, 0))
	draw := rng.Float64
	if normal {
		draw = rng.NormFloat64
	}
	var files []string
	for i, count := range []int{calibration, fresh} {
		files = append(files, filepath.Join(dir, fmt.Sprint(i, ".npz")))
		if err := writeRandom(files[i], networkPorts(g, quant.Preprocess{}), count, draw); err != nil {
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

// writeRandom writes an .npz with count samples for every input.
func writeRandom(path string, ports []port, count int, draw func() float64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	z := zip.NewWriter(file)
	for _, p := range ports {
		values := make([]float32, count*elems(p.shape))
		for k := range values {
			values[k] = float32(draw())
		}
		w, err := z.Create(p.name + ".npy")
		if err == nil {
			_, err = w.Write(encodeTensor(".npy", append([]int{count}, p.shape...), values))
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

func within(a *dataset.Array, lo, hi float64) bool {
	for i := range a.Len() {
		if v := a.At(i); v < lo || v > hi {
			return false
		}
	}
	return true
}
