package runtime

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestProfile(t *testing.T) {
	r := mustRunner(t, allProgram(), Options{})
	f := r.NewProfile()
	for range 5 {
		f.Run()
	}
	total, layers := f.Median()
	if f.Runs() != 5 || len(layers) != len(r.Layers()) {
		t.Fatalf("got %d runs and %d layers, want 5 and %d", f.Runs(), len(layers), len(r.Layers()))
	}
	rest := total
	for i, d := range layers {
		if d < 0 {
			t.Errorf("instruction %d took %v", i, d)
		}
		rest -= d
	}
	if rest < 0 {
		t.Errorf("the layers take %v longer than the inference", -rest)
	}
	if err := r.SelfTest(); err != nil {
		t.Errorf("after a profile: %v", err)
	}
}

// TestProfileMedian looks at the choice among many inferences, of which only some are kept.
func TestProfileMedian(t *testing.T) {
	f := mustRunner(t, allProgram(), Options{}).NewProfile()
	size := len(f.r.ops.list) + 1
	const n = 1 << 20
	for i := range n {
		for layer := range size - 1 {
			f.records = append(f.records, time.Duration(i*size+layer))
		}
		f.records = append(f.records, time.Duration(n-i))
		f.thin()
	}
	if len(f.records) > profileRecords || len(f.records)%size != 0 {
		t.Fatalf("%d times are kept, want whole inferences of %d, at most %d times", len(f.records), size, profileRecords)
	}
	total, layers := f.Median()
	if total < n/2-n/100 || total > n/2+n/100 || f.Runs() != n {
		t.Errorf("median %d of %d, want about the half", total, f.Runs())
	}
	for i, d := range layers {
		if want := time.Duration((n-int(total))*size + i); d != want {
			t.Errorf("layer %d is that of another inference: got %d, want %d", i, d, want)
		}
	}
}

func TestWatch(t *testing.T) {
	p := allProgram()
	r, err := NewRunner(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	inputs := p.GenerateInputs(1)
	out, err := r.Run(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(out)
	next := 0
	out, err = r.Watch(func(done int) {
		if done != next {
			t.Errorf("%d instructions are done, want %d", done, next)
		}
		next++
	}, inputs...)
	if err != nil || next != len(r.Layers())+1 {
		t.Fatalf("%d calls, %v, want %d", next, err, len(r.Layers())+1)
	}
	if got := fmt.Sprint(out); got != want {
		t.Errorf("outputs %v, want %v", got, want)
	}
	if _, err := r.Watch(func(int) { t.Error("called without inputs") }); err == nil {
		t.Error("no error without inputs")
	}
}

// TestWatchLevels looks at every tensor when it is written: its levels are in range, and those of an output the output.
func TestWatchLevels(t *testing.T) {
	p := allProgram()
	r, err := NewRunner(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	inputs := p.GenerateInputs(1)
	seen := 0
	outs, err := r.RunLevels(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(outs)
	var want [][]int32
	for _, out := range outs {
		want = append(want, slices.Clone(out))
	}
	out, err := r.WatchLevels(func(done int) {
		if done == 0 {
			return
		}
		id := p.Instrs[done-1].Dst()
		tensor := &p.Tensors[id]
		levels := r.Levels(id)
		if tensor.Levels == 0 {
			if levels != nil {
				t.Errorf("tensor %d has accumulators and %d levels", id, len(levels))
			}
			return
		}
		seen++
		if len(levels) != tensor.Elems() {
			t.Fatalf("tensor %d has %d levels, want %d", id, len(levels), tensor.Elems())
		}
		for i, v := range levels {
			if int(v) >= tensor.Levels {
				t.Fatalf("tensor %d: element %d is %d, want less than %d", id, i, v, tensor.Levels)
			}
		}
		for k, o := range p.Outputs {
			if o.Tensor == id {
				for i, v := range levels {
					if int32(v) != want[k][i] {
						t.Fatalf("output %d: element %d is %d, want %d", k, i, v, want[k][i])
					}
				}
			}
		}
	}, inputs...)
	if err != nil || fmt.Sprint(out) != text || seen == 0 {
		t.Errorf("%v, %d tensors seen, outputs %v, want %s", err, seen, out, text)
	}
}

// TestPlaces demands that no two tensors that live at the same time share memory.
func TestPlaces(t *testing.T) {
	p := allProgram()
	places := p.Places()
	for i, a := range places {
		for _, b := range places[i+1:] {
			if a.First <= b.Last && b.First <= a.Last && a.Offset < b.Offset+b.Bytes && b.Offset < a.Offset+a.Bytes {
				t.Errorf("%+v and %+v overlap", a, b)
			}
		}
	}
	if len(places) == 0 {
		t.Error("no places")
	}
}
