package kernel

import (
	"math/rand"
	"slices"
	"testing"
)

// TestMerged sums tensors in one channel, and keeps channels apart where one of them differs.
func TestMerged(t *testing.T) {
	r := rand.New(rand.NewSource(50))
	shape := [3]int{7, 3, 5}
	s := spec{out: shape, book: []int32{3}, steps: "one", bias: 0, levels: 32}
	for _, levels := range []int{32, 20} {
		alone := term(shape, 1, 1, 0, levels, levels/3)
		alone.Groups = shape[0]
		s.terms = append(s.terms, alone)
	}
	for _, change := range []func(l *Layer){
		nil,
		func(l *Layer) { l.Bias[4]++ },
		func(l *Layer) {
			l.Terms[1].Centres = []int32{3, 4}
			l.Terms[1].Weights[6] = 1
		},
	} {
		l, src := s.make(r)
		if change != nil {
			change(l)
		}
		if m := l.merged(); (m.Out == [3]int{1, 1, 105}) != (change == nil) {
			t.Errorf("merged to %v", m.Out)
		}
		for _, v := range Available() {
			elems := shape[0] * shape[1] * shape[2]
			want, got := make([]byte, elems), make([]byte, elems+depthSlack)[:elems]
			run := func(k *Linear, dst []byte) { k.Run(dst, nil, src, NewScratch(k.Need())) }
			run(NewLookupLinear(l), want)
			run(NewLinear(l, v), got)
			if !slices.Equal(got, want) {
				t.Errorf("%v: got %v, want %v", v, got, want)
			}
		}
	}
}
