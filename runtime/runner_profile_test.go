package runtime

import (
	"fmt"
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
