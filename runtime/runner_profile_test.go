package runtime

import (
	"fmt"
	"testing"
)

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
	out, err = r.Watch(func(layer int) {
		if layer != next {
			t.Errorf("instruction %d is behind %d", layer, next-1)
		}
		next++
	}, inputs...)
	if err != nil || next != len(r.Layers()) {
		t.Fatalf("%d calls, %v, want %d", next, err, len(r.Layers()))
	}
	if got := fmt.Sprint(out); got != want {
		t.Errorf("outputs %v, want %v", got, want)
	}
	if _, err := r.Watch(func(int) { t.Error("called without inputs") }); err == nil {
		t.Error("no error without inputs")
	}
}
