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
