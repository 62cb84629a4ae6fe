package runtime

import (
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestLoad demands that Load makes the Program that Open reads and the Runner that NewRunner makes of it.
func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qlut")
	for _, p := range []*Program{allProgram(), tinyProgram(), lenetProgram(rand.New(rand.NewSource(1)), 32, evenCentres(-8, 7))} {
		writeProgram(t, path, p)
		for _, o := range append(kernelOptions, Options{Workers: 3, PartMACs: 1}) {
			p, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			want := mustRunner(t, p, o)
			defer want.Close()
			q, got, err := Load(path, o)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			if !samePrograms(p, q) || p.Bytes() != q.Bytes() {
				t.Errorf("%+v: the program is another one", o)
			}
			if !reflect.DeepEqual(got.Layers(), want.Layers()) || got.Memory() != want.Memory() {
				t.Errorf("%+v: layers %v of %+v, want %v of %+v", o, got.Layers(), got.Memory(), want.Layers(), want.Memory())
			}
			if err := got.SelfTest(); err != nil {
				t.Errorf("%+v: %v", o, err)
			}
		}
	}
}

// TestLoadErrors demands the errors of Open for damaged payloads, and that others leave the program.
func TestLoadErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qlut")
	r := rand.New(rand.NewSource(2))
	late := 0 // faults that are found while the Runner is made
	for _, p := range []*Program{tinyProgram(), allProgram()} {
		file := mustEncode(t, p)
		for range 300 {
			list := split(t, file)
			c := &list[r.Intn(len(list))]
			if len(c.payload) == 0 || c.id == "test" {
				continue
			}
			payload := []byte(c.payload)
			payload[r.Intn(len(payload))] = byte(r.Uint32())
			c.payload = string(payload)
			if err := os.WriteFile(path, joinAs(uint16(fileVersion(file)), list), 0o666); err != nil {
				t.Fatal(err)
			}
			_, want := Open(path)
			q, runner, err := Load(path, Options{})
			if (err == nil) != (want == nil) || (q == nil) != (want != nil) || (runner == nil) != (want != nil) {
				t.Fatalf("Load: program %v, runner %v, error %v; Open: error %v", q != nil, runner != nil, err, want)
			}
			var a, b *FormatError
			if errors.As(want, &a) != errors.As(err, &b) {
				t.Fatalf("Load: %v; Open: %v", err, want)
			}
			if a != nil && a.Chunk == weightsID {
				late++
				// Layers are prepared in an order of their own.
				if b.Chunk != weightsID || b.Path != path || b.Offset < a.Offset {
					t.Errorf("Load: %v; Open: %v", err, want)
				}
			}
		}
	}
	if late < 10 {
		t.Errorf("%d files with damaged weights, want 10 or more", late)
	}

	writeProgram(t, path, tinyProgram())
	for _, c := range []struct {
		o    Options
		want string
	}{{Options{Kernel: "fast"}, "unknown kernel"}, {Options{MaxMemory: 1}, "memory"}} {
		p, runner, err := Load(path, c.o)
		if p == nil || runner != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: program %v, runner %v, error %v", c.o, p != nil, runner != nil, err)
		}
	}
	if p, _, err := Load(filepath.Join(t.TempDir(), "none"), Options{}); p != nil || err == nil {
		t.Errorf("a missing file: program %v, error %v", p != nil, err)
	}
}

// TestFoundIsForgotten changes programs that were read: what was found out about their layers holds no longer.
func TestFoundIsForgotten(t *testing.T) {
	for _, change := range []func(p *Program, l *Linear){
		func(p *Program, l *Linear) { l.Bias[0] += 1000 },
		func(p *Program, l *Linear) {
			l.Terms[0].Weights = PackWeights(make([]uint16, l.Terms[0].Weights.Len()), len(p.Codebooks[l.Terms[0].Codebook].Centres))
		},
		func(p *Program, l *Linear) { c := p.Codebooks[l.Terms[0].Codebook].Centres; c[len(c)-1] += 9 },
	} {
		p, err := Decode(mustEncode(t, lenetProgram(rand.New(rand.NewSource(1)), 32, evenCentres(-8, 7))))
		if err != nil {
			t.Fatal(err)
		}
		l := p.Instrs[0].(*Linear)
		change(p, l)
		lo, hi, err := p.AccRange(l)
		if err != nil {
			t.Fatal(err)
		}
		k, err := new(ops).describe(p, 0)
		if err != nil {
			t.Fatal(err)
		}
		gotLo, gotHi := k.Bounds()
		if !reflect.DeepEqual(gotLo, lo) || !reflect.DeepEqual(gotHi, hi) {
			t.Errorf("after a change the sums are taken to be %d..%d, want %d..%d", gotLo[0], gotHi[0], lo[0], hi[0])
		}
	}
}
