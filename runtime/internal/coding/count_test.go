package coding

import (
	"math/rand"
	"testing"
)

func TestCount(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for n := range 40 {
		indices := make([]uint16, n)
		var got, want [256]uint32
		for x := range got {
			got[x] = uint32(x)
			want[x] = got[x]
		}
		for i := range indices {
			indices[i] = uint16(r.Intn(256))
			if n%2 == 0 {
				indices[i] &= 3
			}
			want[indices[i]]++
		}
		if Count(&got, indices); got != want {
			t.Fatalf("%d indices: wrong counts", n)
		}
	}
}
