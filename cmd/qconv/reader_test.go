package main

import (
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/internal/testtool"
	qrt "qconv/runtime"
)

// TestSecondReader converts networks of every kind and runs them in the second reader of
// .qlut files, which knows FORMAT.md and no Go: its results must be those of a Runner.
func TestSecondReader(t *testing.T) {
	reader := testtool.NewReader(t, "../../runtime/testdata/reader.py")
	type network struct{ model, data string }
	networks := []network{
		{bundled(t, "digits.onnx"), bundled(t, "digits") + "#train"},
		{bundled(t, "digits_ae.onnx"), bundled(t, "digits") + "#train"},
	}
	if _, err := os.Stat("../../../shared"); err == nil {
		for _, name := range []string{
			"mnist_mlp", "mnist_mlp_tanh", "mnist_lenet", "mnist_autoencoder", "mnist_conv_autoencoder",
			"resnet8_cifar10", "vww_mobilenetv1_025", "ad_autoencoder",
		} {
			networks = append(networks, network{shared(t, "models/"+name+".onnx"), shared(t, "models/"+name+".ref.npz") + "#x0"})
		}
		// Products of two tensors; several outputs; joined, moved and repeated elements; transposed convolutions.
		for _, name := range []string{"se", "inter_out", "q_concat", "d2s", "pixshuf", "ct_dw", "ct_1d", "t_pools"} {
			networks = append(networks, network{shared(t, "cases/"+name+"/model.onnx"), shared(t, "cases/"+name+"/calib.npz")})
		}
	} else {
		t.Log("without ../shared: only the bundled models")
	}
	settings := [][]string{
		{"--levels", "32", "--weights", "16", "--codebook", "integer"},
		{"--levels", "17", "--weights", "256"},
		{"--levels", "256", "--weights", "64", "--scope", "network"},
	}
	r := rand.New(rand.NewSource(3))
	dir := t.TempDir()
	var cases []testtool.Case
	for n, network := range networks {
		imported, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.qlut")
		mustCall(t, "import", network.model, "--scale", "1/255", "-o", imported)
		for s, setting := range settings {
			if strings.Contains(network.model, "cases") && s != n%len(settings) {
				continue // one setting for each of the small ones
			}
			mustCall(t, append([]string{"convert", imported, "--fast", "--calib", network.data, "--samples", "50", "--no-labels", "-o", program}, setting...)...)
			name := filepath.Base(filepath.Dir(network.model)) + "/" + filepath.Base(network.model) + " " + strings.Join(setting, " ")
			cases = append(cases, readerCase(t, r, name, program))
		}
	}
	reader.Compare(t, cases)
}

// readerCase takes a picture of waves and one of noise and says what a Runner makes of them.
func readerCase(t *testing.T, r *rand.Rand, name, program string) testtool.Case {
	t.Helper()
	file, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	p, err := qrt.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := qrt.NewRunner(p, qrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := p.Tensors[p.Inputs[0].Tensor]
	top := 256
	if p.Inputs[0].Tables == nil {
		top = in.Levels
	}
	waves, noise := make([]byte, in.Elems()), make([]byte, in.Elems())
	for k := range waves {
		x, y := float64(k%in.Shape[2]), float64(k/in.Shape[2])
		waves[k] = byte((0.5 + 0.25*math.Sin(x/3) + 0.2499*math.Sin(y/5)) * float64(top))
		noise[k] = byte(r.Intn(top))
	}
	return testtool.NewCase(t, name, file, [][]byte{waves, noise}, runner.RunSample)
}
