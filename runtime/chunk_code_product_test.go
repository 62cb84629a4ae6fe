package runtime

import (
	"math/rand"
	"slices"
	"testing"
)

// factorsProgram multiplies two tensors of levels, but for two entries of the table.
func factorsProgram() *Program {
	p := &Program{
		Tensors: []Tensor{
			{Shape: [3]int{4, 1, 1}, Levels: 32, Zero: 3, Scale: ScaleOf(1. / 28)},
			{Shape: [3]int{4, 1, 1}, Levels: 17, Zero: 8, Scale: ScaleOf(0.3)},
			{Shape: [3]int{4, 1, 1}, Levels: 200, Zero: 90, Scale: ScaleOf(0.023)},
		},
		Inputs:  []Input{{Name: "a", Tensor: 0}, {Name: "b", Tensor: 1}},
		Outputs: []Output{{Name: "y", Tensor: 2}},
	}
	m := &Map2{Out: 2, A: 0, B: 1}
	m.Table = productTable(p, m)
	m.Table[40], m.Table[500] = 199, 7
	p.Instrs = []Instr{m}
	addSelfTests(p, 1)
	return p
}

// TestProducts stores tables of products: they come back as they were, in a few bytes.
func TestProducts(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	short := 0
	for range 300 {
		p := factorsProgram()
		for i := range p.Tensors {
			p.Tensors[i].Levels = 2 + r.Intn(255)
			p.Tensors[i].Zero = r.Intn(p.Tensors[i].Levels)
			p.Tensors[i].Scale = ScaleOf(r.ExpFloat64())
		}
		m := p.Instrs[0].(*Map2)
		m.Table = productTable(p, m)
		p.SelfTests = nil
		if q := shorterProduct(p, m); q != nil {
			short++
			if len(q.others) > 8 {
				t.Errorf("%d of %d entries are no product", len(q.others), len(m.Table))
			}
		} else if len(m.Table) > 2000 && slices.Min(m.Table) < slices.Max(m.Table) && m.Table[0] != m.Table[1] {
			t.Errorf("no product was found in %d entries", len(m.Table))
		}
		read, err := Decode(mustEncode(t, p))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(read.Instrs[0].(*Map2).Table, m.Table) {
			t.Error("the table was read otherwise")
		}
	}
	if short < 200 {
		t.Errorf("%d of 300 tables became products, want at least 200", short)
	}
	p := factorsProgram()
	if n, want := len(mustEncode(t, p)), 250; n > want {
		t.Errorf("the file has %d bytes, want at most %d", n, want)
	}
	p.Tensors[2].Scale = Scale{} // unknown
	if shorterProduct(p, p.Instrs[0].(*Map2)) != nil {
		t.Error("a product was found without scales")
	}
}
