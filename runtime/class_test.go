package runtime

import (
	"reflect"
	"testing"
)

func TestTop(t *testing.T) {
	p := &Program{Labels: []string{"a", "b", "c"}}
	for _, c := range []struct {
		n    int
		want []Class
	}{
		{-1, []Class{}}, {0, []Class{}}, {1, []Class{{1, "b", 7}}},
		{2, []Class{{1, "b", 7}, {2, "c", 7}}},
		{9, []Class{{1, "b", 7}, {2, "c", 7}, {0, "a", -3}, {3, "", -4}}},
	} {
		if got := p.Top([]int32{-3, 7, 7, -4}, c.n); !reflect.DeepEqual(got, c.want) {
			t.Errorf("the best %d are %v, want %v", c.n, got, c.want)
		}
	}
}

func TestReal(t *testing.T) {
	got := make([]float64, 2)
	(&Tensor{Levels: 8, Zero: 3, Scale: ScaleOf(0.5)}).Real(got, []int32{0, 5})
	if got[0] != -1.5 || got[1] != 1 {
		t.Errorf("levels stand for %v, want -1.5 and 1", got)
	}
	(&Tensor{Zero: 3, Scale: ScaleOf(2)}).Real(got, []int32{-4, 5})
	if got[0] != -8 || got[1] != 10 {
		t.Errorf("sums stand for %v, want -8 and 10", got)
	}
}
