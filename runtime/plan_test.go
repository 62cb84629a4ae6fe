package runtime

import (
	"math/rand"
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
