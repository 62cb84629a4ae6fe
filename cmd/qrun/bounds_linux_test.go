package main

import (
	"bytes"
	"maps"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"qconv/runtime"
)

// childEnv makes the test binary the program itself.
const childEnv = "QRUN_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Bounds of a process that runs a small file from a stranger; the time is that of the processor, as others use it too.
const (
	mostMemory = 300 << 20
	mostTime   = 2 * time.Second
)

// modes are what is asked of every file.
var modes = [][]string{
	{"--selftest"}, {"--info"}, {"--bench", "--bench-time", "0.1"}, {"--bench", "--bench-time", "0.1", "--low-memory"},
	{"--bench", "--bench-time", "0.1", "--kernel", "generic"},
}

// keepsBounds runs the file in every mode.
func keepsBounds(t *testing.T, file string) {
	t.Helper()
	for _, mode := range modes {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe, append(mode, file)...)
		cmd.Env = append(os.Environ(), childEnv+"=1", "GOMAXPROCS=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		hung := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		err = cmd.Run()
		hung.Stop()
		code := cmd.ProcessState.ExitCode()
		used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		spent := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		t.Logf("%s: %v: exit %d, %d MB, %v %s", filepath.Base(file), mode, code, used>>20, spent, stderr.String())
		switch {
		case code < 0 || code == exitUsage || strings.Contains(stderr.String(), "goroutine "):
			t.Errorf("%s: %v: %v\n%s", file, mode, err, stderr.String())
		case strings.Count(stderr.String(), "\n") > 1:
			t.Errorf("%s: %v: more than one line:\n%s", file, mode, stderr.String())
		case used > mostMemory:
			t.Errorf("%s: %v: took %d MB, want at most %d", file, mode, used>>20, mostMemory>>20)
		case spent > mostTime:
			t.Errorf("%s: %v: took %v, want at most %v", file, mode, spent, mostTime)
		}
	}
}

// TestAttacks runs the collected files that did harm once.
func TestAttacks(t *testing.T) {
	files, err := filepath.Glob("../../../shared/attacks/*.qlut")
	if err != nil || len(files) == 0 {
		t.Skip("../shared/attacks is not there")
	}
	for _, file := range files {
		keepsBounds(t, file)
	}
}

// TestBombs runs small files that ask for as much as the format allows.
func TestBombs(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(bombs)) {
		t.Run(name, func(t *testing.T) {
			data, err := runtime.Encode(bombs[name]())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes", len(data))
			file := filepath.Join(t.TempDir(), "bomb.qlut")
			if err := os.WriteFile(file, data, 0o666); err != nil {
				t.Fatal(err)
			}
			keepsBounds(t, file)
		})
	}
}

var one = [2]int{1, 1}

// bomb starts a program with an input of the given shape and 256 levels.
func bomb(shape [3]int) *runtime.Program {
	return &runtime.Program{
		Inputs:    []runtime.Input{{}},
		Tensors:   []runtime.Tensor{{Shape: shape, Levels: 256, Zero: 100}},
		Codebooks: []runtime.Codebook{{Centres: []int32{-1, 0, 1}}},
		Steps:     []runtime.Step{{Breaks: []int32{0, 1, 100000}, Values: []uint8{0, 1, 2, 3}}},
	}
}

// addTensor adds a tensor, levels 0 for an output of accumulators.
func addTensor(p *runtime.Program, shape [3]int, levels int) int {
	p.Tensors = append(p.Tensors, runtime.Tensor{Shape: shape, Levels: levels})
	return len(p.Tensors) - 1
}

// yield makes t an output.
func yield(p *runtime.Program, t int) {
	p.Outputs = append(p.Outputs, runtime.Output{Name: "y", Tensor: t})
}

// term is one whose weights are all alike, or given.
func term(p *runtime.Program, in, out int, kernel [2]int, weights []uint16) runtime.Term {
	if weights == nil {
		weights = make([]uint16, p.Tensors[out].Shape[0]*p.Tensors[in].Shape[0]*kernel[0]*kernel[1])
	}
	return runtime.Term{In: in, Groups: 1, Kernel: kernel, Stride: one, Dilation: one, Up: one,
		Weights: runtime.PackWeights(weights, len(p.Codebooks[0].Centres))}
}

// dense adds a Linear of one term and one step; change may change both.
func dense(p *runtime.Program, in int, shape [3]int, kernel [2]int, levels int, change func(l *runtime.Linear)) int {
	out := addTensor(p, shape, levels)
	l := &runtime.Linear{Out: out, Bias: make([]int32, shape[0]), Terms: []runtime.Term{term(p, in, out, kernel, nil)}}
	if levels > 0 {
		l.Steps = []int{0}
	}
	if change != nil {
		change(l)
	}
	p.Instrs = append(p.Instrs, l)
	return out
}

// endless repeats the instructions of p as often as the default limit of work allows, and makes the last tensor an output.
func endless(p *runtime.Program) *runtime.Program {
	yield(p, len(p.Tensors)-1)
	p.Loops = []runtime.Loop{{Length: len(p.Instrs), Count: 1}}
	p.Loops[0].Count = int(1 << 30 / p.Least(runtime.Options{}).MACs)
	return p
}

// wide is a codebook of n centres.
func wide(n int) runtime.Codebook {
	var b runtime.Codebook
	for i := range n {
		b.Centres = append(b.Centres, int32(i-n/2))
	}
	return b
}

var bombs = map[string]func() *runtime.Program{
	"kernel far larger than its input": func() *runtime.Program {
		p := bomb([3]int{1, 32, 32})
		yield(p, dense(p, 0, [3]int{1, 32, 32}, [2]int{1024, 1024}, 256, func(l *runtime.Linear) { l.Terms[0].Pad = [2]int{500, 500} }))
		return p
	},
	"kernel of many columns": func() *runtime.Program {
		p := bomb([3]int{1, 1, 66500})
		yield(p, dense(p, 0, [3]int{5, 1, 6500}, [2]int{1, 60000}, 256, nil))
		return p
	},
	"kernel of many rows": func() *runtime.Program {
		p := bomb([3]int{1, 1 << 20, 1})
		yield(p, dense(p, 0, [3]int{1, 1 << 10, 1}, [2]int{1 << 19, 1}, 256, nil))
		return p
	},
	"phases": func() *runtime.Program {
		p := bomb([3]int{1, 8, 8})
		yield(p, dense(p, 0, [3]int{1, 2000, 2000}, [2]int{8, 8}, 256, func(l *runtime.Linear) { l.Terms[0].Up = [2]int{997, 991} }))
		return p
	},
	"accumulators": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		for range 15 {
			yield(p, dense(p, 0, [3]int{1, 2048, 2048}, one, 0, nil))
		}
		return p
	},
	"levels": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		for range 15 {
			t := addTensor(p, [3]int{1, 2048, 2048}, 256)
			p.Instrs = append(p.Instrs, &runtime.Copy{Out: t})
			yield(p, t)
		}
		return p
	},
	"one output many times": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		t := addTensor(p, [3]int{1, 512, 512}, 256)
		p.Instrs = append(p.Instrs, &runtime.Copy{Out: t})
		for range 256 {
			yield(p, t)
		}
		return p
	},
	"copies in many pieces": func() *runtime.Program {
		p := bomb([3]int{1, 2048, 2048})
		for range 10 {
			t := addTensor(p, [3]int{1, 2048, 2048}, 256)
			var pieces []runtime.Piece
			for k := range 4 {
				pieces = append(pieces, runtime.Piece{In: t - 1, OutStart: k, InStart: 4*2048*2048 - 4*2048*2048 + k,
					Dims: [6]int{1024, 1024, 1, 1, 1, 1}, OutStride: [6]int{4, 4096, 0, 0, 0, 0}, InStride: [6]int{4096, 4, 0, 0, 0, 0}})
			}
			p.Instrs = append(p.Instrs, &runtime.Copy{Out: t, Pieces: pieces})
		}
		yield(p, 10)
		return p
	},
	"poolings of tall windows": func() *runtime.Program {
		p := bomb([3]int{1, 4096, 1})
		for range 60 {
			t := addTensor(p, [3]int{1, 4096, 1}, 256)
			p.Instrs = append(p.Instrs, &runtime.MaxPool{Out: t, In: t - 1, Kernel: [2]int{4096, 1}, Stride: one, Dilation: one, Pad: [2]int{2048, 0}})
		}
		yield(p, 60)
		return p
	},
	"poolings of windows beyond the input": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		t := addTensor(p, [3]int{1, 1, 1}, 256)
		p.Instrs = append(p.Instrs, &runtime.MaxPool{Out: t, In: 0, Kernel: [2]int{1 << 15, 1 << 15}, Stride: one, Dilation: one, Pad: [2]int{100, 100}})
		yield(p, t)
		return p
	},
	"layers with a large codebook": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		p.Codebooks[0] = wide(60000)
		t := 0
		for range 1000 {
			t = dense(p, t, [3]int{1, 2, 2}, one, 256, nil)
			p.Tensors[t].Shape = [3]int{1, 1, 1}
		}
		yield(p, t)
		return p
	},
	"weights that are all different": func() *runtime.Program {
		p := bomb([3]int{256, 1, 1})
		p.Codebooks[0] = wide(60000)
		r := rand.New(rand.NewSource(1))
		t := 0
		for range 6 {
			t = dense(p, t, [3]int{256, 1, 1}, one, 256, func(l *runtime.Linear) {
				w := make([]uint16, 1<<16)
				for i := range w {
					w[i] = uint16(r.Intn(60000))
				}
				l.Terms[0] = term(p, l.Terms[0].In, l.Out, one, w)
			})
		}
		yield(p, t)
		return p
	},
	"means": func() *runtime.Program {
		p := bomb([3]int{2, 8, 8})
		for range 5000 {
			t := dense(p, 0, [3]int{2, 1, 1}, [2]int{8, 8}, 256, func(l *runtime.Linear) {
				l.Terms[0].Groups, l.Terms[0].Weights = 2, runtime.PackWeights(make([]uint16, 128), 3)
			})
			if t < 100 {
				yield(p, t)
			}
		}
		return p
	},
	"steps of many channels": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		t := dense(p, 0, [3]int{9000, 1, 1}, one, 256, func(l *runtime.Linear) {
			l.Steps = make([]int, 9000)
			for i := range l.Bias {
				l.Bias[i] = int32(i % 8)
			}
		})
		t = dense(p, t, [3]int{1, 1, 1}, one, 256, nil)
		yield(p, t)
		return p
	},
	"terms with coded weights": func() *runtime.Program {
		p := bomb([3]int{64, 1, 1})
		p.Codebooks[0] = wide(50000)
		t := dense(p, 0, [3]int{64, 1, 1}, one, 256, func(l *runtime.Linear) {
			w := make([]uint16, 64*64)
			for i := range w {
				w[i] = 25000 // worth 0
			}
			w[7], w[100] = 25001, 25002
			l.Terms[0] = term(p, 0, l.Out, one, w)
			for range 1000 {
				l.Terms = append(l.Terms, l.Terms[0])
			}
		})
		yield(p, t)
		return p
	},
	"iterations of next to nothing": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		t := addTensor(p, [3]int{1, 1, 1}, 256)
		p.Instrs = append(p.Instrs, &runtime.Copy{Out: t})
		return endless(p)
	},
	"iterations of a pooling": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		t := addTensor(p, [3]int{1, 1, 1}, 256)
		p.Instrs = append(p.Instrs, &runtime.MaxPool{Out: t, In: 0, Kernel: [2]int{3, 3}, Stride: one, Dilation: one, Pad: one})
		return endless(p)
	},
	"iterations of a small layer": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		dense(p, 0, [3]int{1, 1, 1}, one, 256, nil)
		return endless(p)
	},
	"iterations of a layer of many terms": func() *runtime.Program {
		p := bomb([3]int{1, 1, 1})
		dense(p, 0, [3]int{1, 1, 1}, one, 256, func(l *runtime.Linear) {
			for range 100 {
				l.Terms = append(l.Terms, l.Terms[0])
			}
		})
		return endless(p)
	},
	"iterations of layers with coded weights": func() *runtime.Program {
		p := bomb([3]int{8, 1, 1})
		p.Codebooks[0] = wide(5000)
		dense(p, 0, [3]int{8, 1, 1}, one, 256, func(l *runtime.Linear) {
			w := make([]uint16, 64)
			for i := range w {
				w[i] = 2500
			}
			w[7], w[10], w[20], w[30], w[31], w[60] = 1, 1000, 10, 4999, 12, 1700
			l.Terms[0] = term(p, 0, l.Out, one, w)
		})
		return endless(p)
	},
	"dense layers": func() *runtime.Program {
		p := bomb([3]int{128, 32, 32})
		r := rand.New(rand.NewSource(1))
		t := 0
		for range 2 {
			t = dense(p, t, [3]int{128, 32, 32}, [2]int{3, 3}, 256, func(l *runtime.Linear) {
				w := make([]uint16, 128*128*9)
				for i := range w {
					w[i] = uint16(r.Intn(3))
				}
				l.Terms[0] = term(p, l.Terms[0].In, l.Out, [2]int{3, 3}, w)
				l.Terms[0].Pad = one
			})
		}
		yield(p, t)
		return p
	},
}
