package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/runtime"
)

// TestNormalized shows probabilities beside the exact scores of a program that leaves a Softmax to its reader.
func TestNormalized(t *testing.T) {
	p := testProgram(t)
	p.Tensors[1].Scale = runtime.ScaleOf(1. / 64)
	p.Normalizations = []runtime.Normalization{{Output: 0, Shape: []int{0, 3}, Length: 3, Inner: 1}}
	data, err := runtime.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	model, sample := filepath.Join(dir, "m.qlut"), filepath.Join(dir, "x.raw")
	for name, data := range map[string][]byte{model: data, sample: {200, 1, 200, 2}} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	call := func(args ...string) string {
		var out, errs strings.Builder
		if code := run(append([]string{"qrun"}, args...), strings.NewReader(""), &out, &errs); code != exitOK {
			t.Fatalf("%q: exit code %d, %s", args, code, errs.String())
		}
		return out.String()
	}
	if got, want := call("--info", model), "output scores holds scores before Softmax over axis 1 of [N,3]\n"; !strings.Contains(got, want) {
		t.Errorf("--info prints %q, want %q in it", got, want)
	}
	// The scores are 397/64, -397/64 and 97/64.
	if got, want := call(model, sample), "left  (left 397 = 0.9909 after Softmax, dark 97 = 0.009126 after Softmax"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
	var doc document
	if err := json.Unmarshal([]byte(call("--json", model, sample)), &doc); err != nil {
		t.Fatal(err)
	}
	o := doc.Inputs[0].Outputs[0]
	if o.Values[0] != 397 || o.After != "Softmax over axis 1 of [N,3]" || len(o.Normalized) != 3 || o.Normalized[0] != 0.99087 {
		t.Errorf("got %+v", o)
	}
}
