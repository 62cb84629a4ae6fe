package differential

import (
	"hash/fnv"
	"math/rand/v2"
	"testing"
)

// FuzzLayer draws a layer from bytes and compares everything that can compute it. The work of a layer is
// bounded whatever the bytes are: see workBound and inputBound. Goroutines make coverage vary from run to
// run, so that inputs are hard to make smaller: use -fuzzminimizetime 10x.
func FuzzLayer(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		l := fromBytes(data).single()
		if _, m := l.check(); m != nil {
			l, m = l.shrink(m)
			t.Fatalf("%v\nout %v, terms %+v", m, l.Out, l.Terms)
		}
	})
}

// FuzzNetwork does the same with a network.
func FuzzNetwork(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, m := checkNetwork(fromBytes(data).network(), 1); m != nil {
			t.Fatal(m)
		}
	})
}

// FuzzRepeating does the same with a network with loops or states.
func FuzzRepeating(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, m := checkNetwork(fromBytes(data).repeating(), 1); m != nil {
			t.Fatal(m)
		}
	})
}

// addSeeds gives a fuzzer inputs of several lengths to start from.
func addSeeds(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := 0; n <= 120; n += 10 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		f.Add(data)
	}
}

// fromBytes draws from data as long as it lasts; numbers, of which there are many, depend on all of it.
func fromBytes(data []byte) *source {
	h := fnv.New64a()
	h.Write(data)
	return &source{data: data, r: rand.New(rand.NewPCG(h.Sum64(), 2))}
}
