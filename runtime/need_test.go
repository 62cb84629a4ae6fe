package runtime

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"qconv/runtime/internal/kernel"
)

// neededPrograms are programs of all kinds, as files.
func neededPrograms(t *testing.T) map[string][]byte {
	files := map[string][]byte{}
	for _, g := range goldens {
		files[g.name] = mustEncode(t, g.make())
	}
	for seed := range int64(12) {
		files[fmt.Sprintf("random %d", seed)] = mustEncode(t, randomProgram(seed))
	}
	r := rand.New(rand.NewSource(1))
	files["lenet"] = mustEncode(t, lenetProgram(r, 32, evenCentres(-8, 7)))
	files["many weights"] = mustEncode(t, lenetProgram(r, 256, evenCentres(-30000, 30000)))
	if !testing.Short() {
		files["large"] = mustEncode(t, largeProgram(r, evenCentres(-8, 7)))
	}
	digits, err := os.ReadFile("testdata/digits.qlut")
	if err != nil {
		t.Fatal(err)
	}
	files["digits"] = digits
	return files
}

// TestLeastMemory checks that what Least says is admitted, that less is not, and that reading, preparing and running stay
// within the limit, with all fast forms that fit.
func TestLeastMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // what is no longer used counts as little as can be
	for name, file := range neededPrograms(t) {
		p, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []Options{{}, {LowMemory: true}} {
			least := p.Least(o)
			if o.Limits = (Limits{Memory: least.Memory - 1}); !refuses(p, o) {
				t.Errorf("%s: one byte less than %d is enough", name, least.Memory)
			}
			if o.Limits = (Limits{MACs: max(1, least.MACs) - 1}); o.Limits.MACs > 0 && !refuses(p, o) {
				t.Errorf("%s: less work than %d is enough", name, least.MACs)
			}
			for _, spare := range []int64{0, 2 << 20, 1 << 30} {
				o.Limits = Limits{Memory: least.Memory + spare, MACs: least.MACs}
				var kept int64
				taken := peak(func() {
					before := live()
					p, err := decodeWithin(append([]byte(nil), file...), o.Limits.For(int64(len(file))), nil)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					r := mustRunner(t, p, o)
					if err := r.SelfTest(); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					kept = live() - before
					if m := int64(r.Memory().Total()); m > o.Limits.Memory {
						t.Errorf("%s, %+v: the runner has %d bytes", name, o, m)
					}
					runtime.KeepAlive(p)
				})
				if kept > o.Limits.Memory {
					t.Errorf("%s, %+v: %d bytes are kept, the limit was %d", name, o, kept, o.Limits.Memory)
				}
				// The collector takes its time, in which some megabytes are allocated.
				if most := o.Limits.Memory + o.Limits.Memory/8 + 4<<20; int64(taken) > most {
					t.Errorf("%s, %+v: took %d bytes, the limit was %d", name, o, taken, o.Limits.Memory)
				}
			}
		}
	}
}

// live is the memory that is in use.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// refuses says that no Runner is made because of the limits.
func refuses(p *Program, o Options) bool {
	_, err := NewRunner(p, o)
	var limit *LimitError
	return errors.As(err, &limit)
}

// TestSpare checks that layers leave their weights coded where the fast form does not fit, and only there.
func TestSpare(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(1)), 32, evenCentres(-8, 7))
	packed := func(spare int64) (n int) {
		o := Options{Limits: Limits{Memory: p.Least(Options{}).Memory + spare}}
		for _, l := range mustRunner(t, p, o).Layers() {
			if l.Kernel == kernel.NamePacked {
				n++
			}
		}
		return n
	}
	all, some, none := packed(0), packed(2<<20), packed(64<<20)
	if none != 0 || all != len(p.Instrs) && all <= some || some == 0 {
		t.Errorf("%d, %d and %d layers are packed with no, some and much memory to spare", all, some, none)
	}
}
