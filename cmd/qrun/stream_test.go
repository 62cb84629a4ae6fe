package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qconv/internal/testtool"
	"qconv/quant"
	"qconv/runtime"
)

// averageProgram is a step of a stream: the sum of the frames of a window of three, each of two numbers in steps of 1/64 around level 128,
// and the largest number so far.
func averageProgram(t testing.TB) *runtime.Program {
	t.Helper()
	frame := runtime.Tensor{Shape: [3]int{2, 1, 1}, Levels: 256, Zero: 128, Scale: runtime.ScaleOf(1. / 64)}
	window := frame
	window.Shape = [3]int{2, 1, 3}
	larger := make([]uint8, 256*256)
	for i := range larger {
		larger[i] = uint8(max(i/256, i%256))
	}
	one := [2]int{1, 1}
	p := &runtime.Program{
		Tensors:   []runtime.Tensor{0: frame, 1: window, 2: window, 3: {Shape: [3]int{2, 1, 1}, Scale: runtime.ScaleOf(1. / 64)}, 4: frame, 5: frame},
		Codebooks: []runtime.Codebook{{Centres: []int32{1}}},
		Instrs: []runtime.Instr{
			&runtime.Copy{Out: 2, Pieces: []runtime.Piece{
				{In: 1, Dims: [6]int{2, 2, 1, 1, 1, 1}, InStart: 1, OutStride: [6]int{3, 1}, InStride: [6]int{3, 1}},
				{In: 0, Dims: [6]int{2, 1, 1, 1, 1, 1}, OutStart: 2, OutStride: [6]int{3}, InStride: [6]int{1}},
			}},
			&runtime.Linear{Out: 3, Bias: []int32{0, 0}, Terms: []runtime.Term{{
				In: 2, Groups: 2, Kernel: [2]int{1, 3}, Stride: one, Dilation: one, Up: one, Weights: runtime.PackWeights(make([]uint16, 6), 1),
			}}},
			&runtime.Map2{Out: 5, A: 0, B: 4, Table: larger},
		},
		Inputs:  []runtime.Input{{Tensor: 0}},
		Outputs: []runtime.Output{{Name: "sum", Tensor: 3}, {Name: "largest", Tensor: 5}},
		Stream: &runtime.Stream{Warmup: 2, States: []runtime.State{
			{From: 2, To: 1, Initial: []uint8{128}}, {From: 5, To: 4, Initial: []uint8{0}},
		}},
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

// streamFixture writes the programs of the tests to the current folder.
func streamFixture(t *testing.T) *runtime.Program {
	t.Helper()
	fixture(t)
	p := averageProgram(t)
	data, err := runtime.Encode(p)
	if err == nil {
		err = os.WriteFile("average.qlut", data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func callWith(stdin io.Reader, args string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"qrun"}, strings.Fields(args)...), stdin, &out, &errs)
	return code, out.String(), errs.String()
}

// frames of numbers, and what the levels of each stand for.
var streamFrames = [][2]float64{{0.5, -0.25}, {0.25, 0}, {0, 1}, {-0.5, 0.5}, {0.75, 0.125}}

// bytesOfFrames are the frames in a format.
func bytesOfFrames(format string) (b []byte) {
	for _, f := range streamFrames {
		for _, v := range f {
			switch format {
			case "raw":
				b = append(b, byte(128+64*v))
			case "f32":
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
			case "s16":
				b = binary.LittleEndian.AppendUint16(b, uint16(int16(min(v*32768, 32767))))
			}
		}
	}
	return b
}

// TestStreamSteps compares the lines of a stream with sums that are plain to see, in every format, and with the simulation.
func TestStreamSteps(t *testing.T) {
	p := streamFixture(t)
	want := "-#2: sum 0.75 0.75; largest 0.5 1\n-#3: sum -0.25 1.5; largest 0.5 1\n-#4: sum 0.25 1.625; largest 0.75 1\n"
	for _, format := range []string{"raw", "f32", "s16"} {
		code, out, errs := callWith(bytes.NewReader(bytesOfFrames(format)), "--stream --format "+format+" average.qlut")
		if code != 0 || out != want || errs != "" {
			t.Errorf("%s: exit %d, %q, %q, want %q", format, code, out, errs, want)
		}
	}
	code, out, errs := callWith(bytes.NewReader(bytesOfFrames("raw")), "--stream --warmup average.qlut -")
	if want := "-#0: sum 0.5 -0.25; largest 0.5 -0.25 (warm-up)\n-#1: sum 0.75 -0.25; largest 0.5 0 (warm-up)\n" + want; code != 0 || out != want || errs != "" {
		t.Errorf("exit %d, %q, %q, want %q", code, out, errs, want)
	}
	code, out, errs = callWith(bytes.NewReader(bytesOfFrames("raw")), "--stream --json --warmup average.qlut")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || errs != "" || len(lines) != len(streamFrames) {
		t.Fatalf("exit %d, %q, %q", code, out, errs)
	}
	s := quant.NewSimulation(p)
	for i, line := range lines {
		outs, err := s.Step(bytesOfFrames("raw")[2*i : 2*i+2])
		if err != nil {
			t.Fatal(err)
		}
		var got result
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Warmup != (i < 2) || !slices.Equal(got.Outputs[0].Values, outs[0]) || !slices.Equal(got.Outputs[1].Values, outs[1]) {
			t.Errorf("step %d is %s (%v), want %v", i, line, err, outs)
		}
	}
}

// slowReader hands out one frame and checks that its result is there before the next one.
type slowReader struct {
	t      *testing.T
	frames []byte
	out    *bytes.Buffer
	before int
}

func (s *slowReader) Read(b []byte) (int, error) {
	if done := bytes.Count(s.out.Bytes(), []byte("\n")); done != s.before {
		s.t.Errorf("%d lines are there, want %d", done, s.before)
	}
	if len(s.frames) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:2], s.frames)
	s.frames = s.frames[n:]
	s.before++
	return n, nil
}

// TestStreamAtOnce demands that every result is written before the next frame is read.
func TestStreamAtOnce(t *testing.T) {
	streamFixture(t)
	var out, errs bytes.Buffer
	in := &slowReader{t: t, frames: bytesOfFrames("raw"), out: &out}
	if code := run([]string{"qrun", "--stream", "--warmup", "average.qlut"}, in, &out, &errs); code != 0 || in.before != len(streamFrames) {
		t.Errorf("exit %d after %d frames, %s", code, in.before, errs.String())
	}
}

// TestStreamFaults is about streams and flags that do not fit.
func TestStreamFaults(t *testing.T) {
	streamFixture(t)
	raw := bytesOfFrames("raw")
	nan := bytesOfFrames("f32")
	copy(nan[8:], "\x00\x00\xc0\x7f")
	for _, c := range []struct {
		args  string
		stdin []byte
		code  int
		out   string
		errs  string
	}{
		{"--stream average.qlut", raw[:7], exitBadInput, "-#2: sum 0.75 0.75; largest 0.5 1\n", "-: ends with 1 bytes behind sample 3, want 2 (2x1x1, channels x rows x columns): 1 bytes are missing"},
		{"--stream --format s16 average.qlut", raw[:3], exitBadInput, "", "ends with 3 bytes behind sample 0, want 4 (2x1x1, channels x rows x columns, numbers of 2 bytes): 1 bytes are missing"},
		{"--stream average.qlut", raw[:4], 0, "", "note: -: the stream ended in the warm-up: results come from step 3 on, it had 2; --warmup prints those before"},
		{"--stream average.qlut", nil, 0, "", "it had 0"},
		{"--stream --format f32 average.qlut", nan, exitBadInput, "-#1: error: number 0 is NaN, want finite numbers\n-#3: sum", "-#1: number 0 is NaN"},
		{"--stream --top 1 ok.qlut", []byte{200, 1, 200, 2, 3, 2, 1, 0}, 0, "-#0: left  (left 397)\n-#1: dark  (dark 494)\n", "note: ok.qlut has no states: every frame stands for itself"},
		{"--loop average.qlut -", raw[:4], 0, `"values":[16,0]`, "note: average.qlut is a step of a stream: every sample is the first step; --stream carries the states on"},
		{"average.qlut --format raw -", raw[:4], 0, "-#1: sum [2 1 1] 16 0\n", "every sample is the first step"},
		{"--stream --loop average.qlut -", nil, exitUsage, "", "exclude each other"},
		{"--warmup average.qlut -", nil, exitUsage, "", "want --stream as well"},
		{"--stream --format npy average.qlut", nil, exitUsage, "", "--stream: want one FILE or - of raw bytes or, with --format f32 or s16, of numbers"},
		{"--stream average.qlut a b", nil, exitUsage, "", "want one FILE"},
		{"--stream --info average.qlut", nil, exitUsage, "", "--stream: want one FILE"},
		{"--stream average.qlut none.raw", nil, exitBadInput, "", "none.raw"},
	} {
		code, out, errs := callWith(bytes.NewReader(c.stdin), c.args)
		if code != c.code || !strings.Contains(out, c.out) || c.out == "" && out != "" || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: exit %d, %q, %q, want %d, %q, %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
}

// TestStreamInfo wants --info to say what a step takes.
func TestStreamInfo(t *testing.T) {
	streamFixture(t)
	code, out, errs := call("--info average.qlut")
	if want := "stream    a step takes a frame of 2 bytes (4 as s16, 8 as f32), and carries 2 states of 8 bytes on; results come from step 3 on, when its window is full\n"; code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit %d, %s%s, want %q", code, out, errs, want)
	}
	code, out, _ = call("--info --json average.qlut")
	var d document
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != 0 || d.Info.Stream == nil || *d.Info.Stream != (streamInfo{FrameBytes: 2, States: 2, StateBytes: 8, Warmup: 2}) {
		t.Errorf("exit %d, %s (%v)", code, out, err)
	}
}

// TestStreamOnARM demands the same lines of an ARMv5 processor without a floating-point unit, under QEMU.
func TestStreamOnARM(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for another machine")
	}
	emulator := testtool.Path(t, "qemu-arm", "apt-get install qemu-user")
	exe := filepath.Join(t.TempDir(), "qrun")
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Env = append(os.Environ(), "GOARCH=arm", "GOARM=5", "CGO_ENABLED=0")
	if message, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	streamFixture(t)
	for _, args := range []string{"--stream", "--stream --format f32 --warmup", "--stream --format s16 --json", "--stream --low-memory --json --warmup"} {
		format := "raw"
		for _, f := range []string{"f32", "s16"} {
			if strings.Contains(args, f) {
				format = f
			}
		}
		frames := bytesOfFrames(format)
		_, want, _ := callWith(bytes.NewReader(frames), args+" average.qlut")
		cmd := exec.Command(emulator, append(append([]string{exe}, strings.Fields(args)...), "average.qlut")...)
		cmd.Stdin = bytes.NewReader(frames)
		if got, err := cmd.Output(); err != nil || string(got) != want || len(got) == 0 {
			t.Errorf("%s: %v, %q, want %q", args, err, got, want)
		}
	}
}
