package runtime

import (
	"math/rand"
	"slices"
	"testing"
)

// leastArena is what no plan can do without: the most bytes that live at the same time.
func (p *Program) leastArena() int {
	most := 0
	for at := -1; at <= len(p.Instrs); at++ {
		live := 0
		for _, s := range p.lifetimes() {
			if s.first <= at && at <= s.last {
				live += s.size
			}
		}
		most = max(most, live)
	}
	return most
}

// TestArenaNetworks demands that the plans of whole networks take no more than what lives
// at the same time.
func TestArenaNetworks(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for name, p := range map[string]*Program{
		"lenet":   lenetProgram(r, 32, evenCentres(-8, 7)),
		"resnet8": resnetProgram(r, 32, evenCentres(-8, 7)),
		"all":     allProgram(),
	} {
		if _, size := p.planArena(); size != p.leastArena() {
			t.Errorf("%s: the arena has %d bytes, want %d", name, size, p.leastArena())
		}
	}
}

// TestArenaRandom bounds the plans of odd programs.
func TestArenaRandom(t *testing.T) {
	for seed := range int64(200) {
		p := randomProgram(seed)
		_, size := p.planArena()
		if least := p.leastArena(); size < least || 4*size > 5*least {
			t.Errorf("seed %d: the arena has %d bytes, want %d or a quarter more at most", seed, size, least)
		}
	}
}

// TestHandedOverInPlace demands that what is handed over takes no copy where what it replaces is not read any more, and only there.
func TestHandedOverInPlace(t *testing.T) {
	together := func(p *Program, a, b int) bool {
		for _, s := range p.lifetimes() {
			if slices.Contains(s.tensors, a) && slices.Contains(s.tensors, b) {
				return true
			}
		}
		return false
	}
	for _, c := range []struct {
		what   string
		make   func() *Program
		change func(p *Program)
		a, b   int
		want   bool
	}{
		{"one that a sum is taken of", loopsProgram, nil, 3, 1, false},
		{"one that is read behind the loop as what it became", loopsProgram, func(p *Program) { p.Instrs[10].(*Linear).Terms[2].In = 3 }, 3, 1, false},
		{"one that is read once more behind the instruction", loopsProgram, func(p *Program) {
			p.Instrs[3].(*Copy).Pieces[0].In = 1
		}, 3, 1, false},
		{"one that becomes an output", loopsProgram, nil, 8, 5, false},
		{"one that becomes no output", loopsProgram, func(p *Program) { p.Outputs = p.Outputs[:1] }, 8, 5, true},
		{"one that is combined with itself", loopsProgram, func(p *Program) {
			p.Outputs = p.Outputs[:1]
			p.Instrs[7].(*Map2).B, p.Instrs[7].(*Map2).Table = 5, make([]uint8, 32*32)
		}, 8, 5, false},
		{"a window that moves on", streamProgram, nil, 2, 1, true},
		{"a window that moves the other way", streamProgram, func(p *Program) {
			q := p.Instrs[0].(*Copy).Pieces
			q[0].OutStart, q[0].InStart, q[1].OutStart = 1, 0, 0
		}, 2, 1, false},
		{"a window that is filled", streamProgram, func(p *Program) { p.Instrs[0].(*Copy).Pieces = p.Instrs[0].(*Copy).Pieces[:1] }, 2, 1, false},
		{"a window that is an output", streamProgram, func(p *Program) { p.Outputs[2].Tensor = 1 }, 2, 1, false},
		{"an output", streamProgram, nil, 5, 4, false},
		{"an input", streamProgram, nil, 0, 8, false},
	} {
		p := c.make()
		p.SelfTests = nil
		if c.change != nil {
			c.change(p)
		}
		if got := together(p, c.a, c.b); got != c.want {
			t.Errorf("%s: together %v, want %v", c.what, got, c.want)
		}
		e, r := newEvaluation(p), mustRunner(t, p, Options{})
		for n := range 4 {
			in := sampleOf(p, n)
			if got, err := r.StepLevels(in...); err != nil || !equalOutputs(got, e.step(in...)) {
				t.Errorf("%s: step %d is wrong (error %v)", c.what, n, err)
			}
		}
	}
}
