package c_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qconv/export/c"
	"qconv/export/c/ctest"
	"qconv/internal/testtool"
	"qconv/runtime"
)

// recurrent is a recurrence over six frames of four numbers, with eight numbers from one to the next: a loop. As a stream it is a step of six frames that goes on
// where the step before ended, and sees the last frame of it.
func recurrent(stream bool) *runtime.Program {
	r := rand.New(rand.NewPCG(3, 4))
	one := [2]int{1, 1}
	scale := runtime.ScaleOf(1)
	term := func(in, groups, weights, codebook, centres int) runtime.Term {
		w := make([]uint16, weights)
		for i := range w {
			w[i] = uint16(r.IntN(centres))
		}
		return runtime.Term{In: in, Groups: groups, Kernel: one, Stride: one, Dilation: one, Up: one, Codebook: codebook, Weights: runtime.PackWeights(w, centres)}
	}
	table := func(n int) []uint8 {
		list := make([]uint8, n)
		for i := range list {
			list[i] = uint8(r.IntN(32))
		}
		return list
	}
	const frames, features, units = 6, 4, 8
	p := &runtime.Program{
		Tensors: []runtime.Tensor{
			0: {Shape: [3]int{1, frames, features}, Levels: 16, Scale: scale},
			1: {Shape: [3]int{units, 1, 1}, Levels: 32, Zero: 16, Scale: scale},      // what an iteration begins with
			2: {Shape: [3]int{features, 1, 1}, Levels: 16, Scale: scale},             // a frame
			3: {Shape: [3]int{units, 1, 1}, Levels: 32, Zero: 16, Scale: scale},      // a gate
			4: {Shape: [3]int{units, 1, 1}, Levels: 32, Zero: 16, Scale: scale},      // what an iteration leaves
			5: {Shape: [3]int{units, frames, 1}, Levels: 32, Zero: 16, Scale: scale}, // of all iterations, the last one first
			6: {Shape: [3]int{features, 1, 1}, Levels: 16, Scale: scale},             // the last frame
			7: {Shape: [3]int{5, 1, 1}, Scale: scale},
		},
		Codebooks: []runtime.Codebook{{Centres: []int32{-21, -6, 0, 3, 9}}, {Centres: []int32{-39, -13, 0, 26}}, {Centres: []int32{-30000, -255, 1, 700}}, {Centres: []int32{-5}}},
		Inputs:    []runtime.Input{{Tensor: 0}},
		Outputs:   []runtime.Output{{Name: "y", Tensor: 7}, {Name: "all", Tensor: 5}},
	}
	step := runtime.Step{Values: []uint8{0}}
	for i := range 31 {
		step.Breaks, step.Values = append(step.Breaks, int32(40*i-600)), append(step.Values, uint8(i+1))
	}
	p.Steps = []runtime.Step{step}
	last := 6
	if stream {
		p.Tensors = append(p.Tensors, p.Tensors[6])
		p.Stream = &runtime.Stream{Warmup: 1, States: []runtime.State{{From: 4, To: 1, Initial: []uint8{16}}, {From: 6, To: 8, Initial: []uint8{1, 2, 3, 15}}}}
		last = 8
	} else {
		p.Instrs = append(p.Instrs, &runtime.Copy{Out: 1, Fill: 16})
	}
	p.Instrs = append(p.Instrs, &runtime.Copy{Out: 6, Pieces: []runtime.Piece{{In: 0, InStart: (frames - 1) * features, Dims: [6]int{features, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}}}})
	l := runtime.Loop{First: len(p.Instrs), Length: 4, Count: frames, Carries: []runtime.Carry{{From: 4, To: 1}}}
	p.Loops = []runtime.Loop{l}
	p.Instrs = append(p.Instrs,
		&runtime.Copy{Out: 2, Pieces: []runtime.Piece{{In: 0, InStep: features, Dims: [6]int{features, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}}}},
		&runtime.Linear{Out: 3, Bias: make([]int32, units), Steps: []int{0}, Terms: []runtime.Term{
			term(2, 1, features*units, 0, 5), term(1, 1, units*units, 1, 4), term(1, units, units, 3, 1)}},
		&runtime.Map2{Out: 4, A: 3, B: 1, Table: table(32 * 32)},
		&runtime.Copy{Out: 5, Pieces: []runtime.Piece{{In: 4, OutStart: frames - 1, OutStep: -1, Dims: [6]int{units, 1, 1, 1, 1, 1}, OutStride: [6]int{frames}, InStride: [6]int{1}}}},
		&runtime.Linear{Out: 7, Bias: []int32{1, 2, 3, 4, 5}, Terms: []runtime.Term{term(4, 1, 5*units, 2, 4), term(last, 1, 5*features, 0, 5)}})
	return p
}

// variants are the recurrence over a window, and as a step of a stream.
var variants = []struct {
	name, run string
	stream    bool
}{{"window", "window_run", false}, {"stream", "stream_step", true}}

// TestRecurrentHost demands the integers of the runtime from loops and from the steps of a stream, after a reset and after a self-test, too.
func TestRecurrentHost(t *testing.T) {
	gcc := testtool.Path(t, "gcc", "apt-get install gcc")
	for _, v := range variants {
		for _, target := range c.Targets {
			for _, goal := range goals {
				dir, files := sources(t, c.Options{Name: v.name, Target: target, Optimize: goal}, recurrent(v.stream), 5, 4)
				board := ctest.Host(gcc, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
				program, err := board.Build(dir, "check", files)
				if err != nil {
					t.Fatal(err)
				}
				if err := board.Check(program); err != nil {
					t.Errorf("%s for %s, %s: %v", v.name, target, goal, err)
				}
			}
		}
	}
}

// TestRecurrentBoards does so on microcontrollers, where no iteration multiplies or divides.
func TestRecurrentBoards(t *testing.T) {
	for _, b := range append(ctest.Boards[:len(ctest.Boards):len(ctest.Boards)], ctest.Arduino) {
		t.Run(b.Name, func(t *testing.T) {
			for tool, install := range b.Tools {
				testtool.Path(t, tool, install)
			}
			for _, v := range variants {
				for _, goal := range goals {
					dir, files := sources(t, c.Options{Name: v.name, Target: b.Target, Optimize: goal}, recurrent(v.stream), 5, 4)
					program, err := b.Build(dir, "check", files, ctest.Flag(goal))
					if err != nil {
						t.Fatal(err)
					}
					if err := b.Check(program); err != nil {
						t.Errorf("%s for %s: %v", v.name, goal, err)
					}
					noMultiplications(t, strings.TrimSuffix(b.Compile[0], "gcc")+"objdump", program, v.run)
				}
			}
		})
	}
}

// TestStreamInterface uses the functions of a stream as its header says.
func TestStreamInterface(t *testing.T) {
	gcc := testtool.Path(t, "gcc", "apt-get install gcc")
	p := recurrent(true)
	result, err := c.Export(p, c.Options{Name: "voice"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range result.Files {
		if !strings.Contains(f.Path, "/") {
			if err := os.WriteFile(filepath.Join(dir, f.Path), f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(string(f.Data), "voice_run") {
			t.Errorf("%s speaks of voice_run, which a stream does not have", f.Path)
		}
	}
	main := `#include <string.h>
#include "voice.h"
int main(void) {
    static uint8_t in[3][VOICE_INPUT_BYTES];
    static int32_t first[3][VOICE_OUTPUT0_COUNT], y[VOICE_OUTPUT0_COUNT];
    uint32_t i, n;
    for (n = 0; n < 3; n++) for (i = 0; i < VOICE_INPUT_BYTES; i++) in[n][i] = (uint8_t)(((i << 3) ^ (i >> 1) ^ (n + 1)) & 15);
    if (VOICE_WARMUP_STEPS != 1 || VOICE_STATE_BYTES != 12) return 1;
    for (n = 0; n < 3; n++) if (voice_step(in[n], first[n], NULL)) return 2;
    if (voice_step(in[0], y, NULL) || memcmp(y, first[0], sizeof y) == 0) return 3; /* it goes on */
    voice_reset();
    if (voice_step(in[0], y, NULL) || memcmp(y, first[0], sizeof y)) return 4;
    in[2][VOICE_INPUT_BYTES - 1] = 16;
    if (voice_step(in[2], y, NULL) != 1 || memcmp(y, first[0], sizeof y)) return 5; /* no level: the stream stays where it is */
    for (i = 0; i < VOICE_INPUT_ROWS; i++) if (voice_input_row(i, in[1] + i * VOICE_INPUT_COLUMNS)) return 6;
    if (voice_step(NULL, y, NULL) || memcmp(y, first[1], sizeof y)) return 7;
    if (voice_selftest()) return 8;
    if (voice_step(in[0], y, NULL) || memcmp(y, first[0], sizeof y)) return 9; /* the self-test resets it */
    return 0;
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.c"), []byte(main), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", gcc+" -std=c99 -o voice main.c voice.c && ./voice")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}

// TestHandedOverInPlace demands that what a carry and a state hand over stays where it is, if nothing else needs what was there.
func TestHandedOverInPlace(t *testing.T) {
	for _, v := range variants {
		result, err := c.Export(recurrent(v.stream), c.Options{Name: v.name})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range result.Files {
			if f.Path == v.name+".c" && strings.Contains(string(f.Data), "what the next one begins with") != v.stream { // a frame does not
				t.Errorf("%s: what is handed over:\n%s", v.name, f.Data)
			}
		}
	}
}

// TestLoopEstimate demands that what a loop does is counted in every iteration.
func TestLoopEstimate(t *testing.T) {
	p := recurrent(false)
	result, err := c.Export(p, c.Options{Name: "window"})
	if err != nil {
		t.Fatal(err)
	}
	macs, l := 0, p.Loops[0]
	for n, layer := range result.Layers {
		macs += layer.MACs
		want := 1
		if n >= l.First && n < l.First+l.Length {
			want = l.Count
		}
		if layer.Runs != want {
			t.Errorf("layer %s runs %d times, want %d", layer.Name, layer.Runs, want)
		}
	}
	if macs != p.MACs() {
		t.Errorf("the layers have %d multiply-accumulates together, want %d", macs, p.MACs())
	}
	once := *p
	once.Loops = nil
	once.Instrs = append([]runtime.Instr{}, p.Instrs...)
	put := *p.Instrs[l.First+3].(*runtime.Copy)
	put.Pieces = append([]runtime.Piece{}, put.Pieces...)
	put.Pieces[0].OutStep = 0
	take := *p.Instrs[l.First].(*runtime.Copy)
	take.Pieces = append([]runtime.Piece{}, take.Pieces...)
	take.Pieces[0].InStep = 0
	once.Instrs[l.First], once.Instrs[l.First+3] = &take, &put
	single, err := c.Export(&once, c.Options{Name: "window"})
	if err != nil {
		t.Fatal(err)
	}
	for n := l.First; n < l.First+3; n++ { // what enters the layer in one iteration is not what enters it in another
		all, one := result.Layers[n], single.Layers[n]
		if r := float64(all.Instructions) / float64(one.Instructions); r < 0.8*float64(l.Count) || r > 1.2*float64(l.Count) {
			t.Errorf("%s: %d iterations are estimated to take %d instructions, one of them %d", all.Name, l.Count, all.Instructions, one.Instructions)
		}
	}
}
