package runtime

import (
	"math/rand"
	"testing"
)

// TestCovers compares with the elements that pieces write one by one.
func TestCovers(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	full := 0
	for range 2000 {
		shape := [3]int{1 + r.Intn(5), 1 + r.Intn(5), 1 + r.Intn(40)}
		elems := shape[0] * shape[1] * shape[2]
		i := &Copy{}
		seen := make([]bool, elems)
		for range 1 + r.Intn(3) {
			q := Piece{Dims: [6]int{1, 1, 1, 1, 1, 1}}
			strides := [3]int{shape[1] * shape[2], shape[2], 1}
			for d, axis := range r.Perm(3) {
				from := r.Intn(2) * r.Intn(shape[axis])
				q.Dims[d] = shape[axis] - from
				q.OutStride[d] = strides[axis]
				q.OutStart += from * strides[axis]
			}
			i.Pieces = append(i.Pieces, q)
			for a := range q.Dims[0] {
				for b := range q.Dims[1] {
					for c := range q.Dims[2] {
						seen[q.OutStart+a*q.OutStride[0]+b*q.OutStride[1]+c*q.OutStride[2]] = true
					}
				}
			}
		}
		want := true
		for _, s := range seen {
			want = want && s
		}
		if want {
			full++
		}
		if got := i.covers(elems); got != want {
			t.Fatalf("%+v: covers %d elements is %v", i.Pieces, elems, got)
		}
	}
	if full < 100 {
		t.Errorf("%d copies are full, want 100 or more", full)
	}
}
