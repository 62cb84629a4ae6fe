package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestLayerConfig(t *testing.T) {
	dir, model := importDigits(t)
	config := writeFile(t, "layers.json", `{
		"layers": {
			"/0/Conv": {"weights": 4, "codebook": "integer", "levels": 64},
			"9.weight": {"weights": 5, "prune": 0.9}
		},
		"levels": {"/10/Relu_output_0": 128}
	}`)
	out := filepath.Join(dir, "m.qlut")
	mustCall(t, "convert", model, "--fast", "--calib", bundled(t, "digits")+"#train", "--samples", part,
		"--levels", "16", "--weights", "32", "--config", config, "-o", out)
	var r programReport
	mustJSON(t, &r, "inspect", out)
	type want struct{ most, levels int }
	wants := map[int]want{0: {4, 64}, 2: {32, 16}, 4: {5, 128}, 5: {32, 0}}
	for i, w := range wants {
		if l := r.Layers[i]; l.UniqueWeights > w.most || l.Levels != w.levels {
			t.Errorf("layer %d has %d weight values and %d levels, want at most %d and %d", i, l.UniqueWeights, l.Levels, w.most, w.levels)
		}
	}
	if bits := r.Layers[4].BitsPerWeight; bits > 1 {
		t.Errorf("the pruned layer takes %.2f bits a weight, want less than 1", bits)
	}
}

func TestLayerConfigErrors(t *testing.T) {
	_, model := importDigits(t)
	for _, c := range []struct{ content, want string }{
		{`{"layers": {"conv": {}}}`, `layer "conv": there is none of that name, the network has /0/Conv, /4/Conv, /9/Gemm, /11/Gemm`},
		{`{"layers": {"/0/Conv": {"wieghts": 4}}}`, `unknown field "wieghts"`},
		{`{"layers": {"/0/Conv": {"weights": 1}}}`, `weights: got 1, want 2..65536`},
		{`{"layers": {"/0/Conv": {"codebook": "small"}}}`, `codebook: got "small", want free, integer or cheap`},
		{`{"layers": {"/11/Gemm": {"levels": 8}}}`, `layer "/11/Gemm": its result is not rounded to levels`},
		{`{"levels": {"x": 8}}`, `value "x": no value of that name has levels`},
		{`{"levels": {"input": 1}}`, `levels of site "input": got 1, want 2..256`},
		{`{} {}`, `something follows the configuration`},
		{`[`, `unexpected EOF`},
	} {
		file := writeFile(t, "layers.json", c.content)
		code, stdout, stderr := call("convert", model, "--fast", "--calib", bundled(t, "digits")+"#train", "--config", file)
		if code != exitBadInput || stdout != "" || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, file) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, stderr %q, want exit %d and %q", c.content, code, stderr, exitBadInput, c.want)
		}
	}
	if code, _, stderr := call("convert", model, "--fast", "--calib", bundled(t, "digits"), "--config", "no-such-file"); code != exitBadInput || !strings.Contains(stderr, "no-such-file") {
		t.Errorf("a missing file: exit %d, stderr %q", code, stderr)
	}
}
