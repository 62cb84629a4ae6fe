package finetune

import (
	"math/rand/v2"
	"testing"
)

// TestAllocate compares with all choices of small networks: what is picked fits, no pick alone could be better and still fit, and the whole is near the best.
func TestAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for range 300 {
		ways := make([][]Price, 1+rng.IntN(5))
		for i := range ways {
			for w := range 1 + rng.IntN(5) {
				ways[i] = append(ways[i], Price{Loss: rng.ExpFloat64() / float64(1+w), Bytes: (1 + w) * (10 + rng.IntN(90))})
			}
		}
		limit := rng.IntN(800)
		best, possible := 0.0, false
		var visit func(i, bytes int, loss float64)
		visit = func(i, bytes int, loss float64) {
			if i == len(ways) {
				if bytes <= limit && (!possible || loss < best) {
					best, possible = loss, true
				}
				return
			}
			for _, w := range ways[i] {
				visit(i+1, bytes+w.Bytes, loss+w.Loss)
			}
		}
		visit(0, 0, 0)
		picks, fits := Allocate(ways, limit)
		if fits != possible {
			t.Fatalf("%v in %d bytes: fits %v, want %v", ways, limit, fits, possible)
		}
		if !fits {
			continue
		}
		bytes, loss := 0, 0.0
		for i, k := range picks {
			bytes, loss = bytes+ways[i][k].Bytes, loss+ways[i][k].Loss
		}
		if bytes > limit {
			t.Fatalf("%v: %v takes %d bytes, want at most %d", ways, picks, bytes, limit)
		}
		for i, k := range picks {
			for _, w := range ways[i] {
				if w.Loss < ways[i][k].Loss && bytes-ways[i][k].Bytes+w.Bytes <= limit {
					t.Fatalf("%v in %d bytes: %v leaves room for %v of part %d", ways, limit, picks, w, i)
				}
			}
		}
		worst += loss - best
	}
	if worst > 300*0.03 {
		t.Errorf("the losses are %g more than the least on average", worst/300)
	}
}
