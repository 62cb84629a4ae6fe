package runtime

import (
	"bytes"
	"math/rand"
	"testing"
)

// TestStatesMoveOn compares steps of streams whose state moves on by a copy of rows, whose lengths, distances and ways vary, with what the pieces say.
func TestStatesMoveOn(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	ran, shared := 0, 0
	for range 3000 {
		rows, stride := 1+r.Intn(20), 1+r.Intn(12)
		row := 1 + r.Intn(stride)
		by := r.Intn(2 * stride)
		elems := (rows-1)*stride + row + by + r.Intn(8)
		first := Piece{Dims: [6]int{rows, row, 1, 1, 1, 1}, InStart: by, OutStride: [6]int{stride, 1, 1, 1, 1, 1}, InStride: [6]int{stride, 1, 1, 1, 1, 1}}
		moved := make([]bool, elems)
		for i := range rows {
			for k := range row {
				moved[i*stride+k] = true
			}
		}
		pieces, fresh := []Piece{first}, 0
		for e := range elems {
			if !moved[e] {
				pieces = append(pieces, Piece{In: 0, Dims: [6]int{1, 1, 1, 1, 1, 1}, OutStart: e, InStart: fresh, OutStride: [6]int{1}, InStride: [6]int{1}})
				fresh++
			}
		}
		if fresh == 0 {
			continue
		}
		pieces[0].In = 1
		tensor := func(n int) Tensor { return Tensor{Shape: [3]int{1, 1, n}, Levels: 256} }
		p := &Program{
			Inputs: []Input{{}}, Outputs: []Output{{Tensor: 3}}, Tensors: []Tensor{tensor(fresh), tensor(elems), tensor(elems), tensor(elems)},
			Instrs: []Instr{&Copy{Out: 2, Pieces: pieces}, &Copy{Out: 3, Pieces: []Piece{{In: 2, Dims: [6]int{elems, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}}}}}, Stream: &Stream{States: []State{{From: 2, To: 1, Initial: []uint8{7}}}},
		}
		data, err := Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = Decode(data); err != nil {
			t.Fatal(err)
		}
		runner, err := NewRunner(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(runner.ops.carries) == 0 {
			shared++
		}
		state := bytes.Repeat([]byte{7}, elems)
		for step := range 3 {
			x := make([]byte, fresh)
			r.Read(x)
			next := make([]byte, elems)
			for _, q := range pieces {
				from := x
				if q.In == 1 {
					from = state
				}
				for i := range q.Dims[0] {
					for k := range q.Dims[1] {
						next[q.OutStart+i*q.OutStride[0]+k*q.OutStride[1]] = from[q.InStart+i*q.InStride[0]+k*q.InStride[1]]
					}
				}
			}
			state = next
			got, err := runner.Step(x)
			if err != nil {
				t.Fatal(err)
			}
			for e, want := range state {
				if have := int(got[0][e]); have != int(want) {
					t.Fatalf("%d rows of %d, %d apart, by %d: step %d, element %d is %d, want %d", rows, row, stride, by, step, e, have, want)
				}
			}
		}
		ran++
	}
	if ran < 1000 || shared < 300 {
		t.Errorf("%d streams ran, %d of them in place, want at least 1000 and 300", ran, shared)
	}
}
