package finetune

import (
	"context"
	"testing"
	"time"

	"qconv/onnx"
)

// rows are random sequences of 28 steps of 28 values with a class.
type rows struct{ *pulses }

func (rows) Len() int        { return 256 }
func (rows) Shapes() [][]int { return [][]int{{28, 28}} }
func (rows) Label(i int) int { return i % 10 }
func (rows) Input(i int, dst []float32) error {
	copy(dst, randomFloats(uint64(i), len(dst)))
	return nil
}

// gru64 is a classifier of ten classes with a GRU of 64 units over 28 steps of 28 values, gates together as in files.
func gru64(t testing.TB) *onnx.Graph {
	r := newRecurrent(t)
	const units = 64
	loop := &onnx.Loop{Name: "a", Steps: 28}
	x := r.node("take", &onnx.LoopTake{Loop: loop, Axis: 1}, r.input("x", 28, 28))
	state := &onnx.LoopState{Loop: loop, Batched: true}
	h := r.node("state", state, r.constant("zero", 0, 1, units))
	gates := r.sigmoid("gates", r.add("sum", r.gemm("wx", x, 2*units), r.gemm("wh", h, 2*units)))
	z := r.node("z", &onnx.Slice{Axes: []int{1}, Starts: []int{0}, Ends: []int{units}, Steps: []int{1}}, gates)
	reset := r.node("r", &onnx.Slice{Axes: []int{1}, Starts: []int{units}, Ends: []int{2 * units}, Steps: []int{1}}, gates)
	n := r.tanh("n", r.add("nsum", r.gemm("nx", x, units), r.mul("reset", reset, r.gemm("nh", h, units))))
	next := r.add("h", n, r.mul("keep", z, r.node("change", &onnx.Sub{}, h, n)))
	last := r.node("last", &onnx.LoopNext{Loop: loop, State: state}, next)
	r.output(r.gemm("scores", last, 10))
	return r.Graph
}

// BenchmarkTrainLoop is a step of training of a network with few weights and levels: a batch of 64 sequences.
func BenchmarkTrainLoop(b *testing.B) {
	m := calibrated(b, gru64(b), rows{}, 32)
	cfg := DefaultConfig()
	cfg.Steps, cfg.Refit = max(b.N, 2), 0
	b.ResetTimer()
	start := time.Now()
	if _, err := Tune(context.Background(), m, rows{}, cfg); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(cfg.Steps)/time.Since(start).Seconds(), "steps/s")
}
