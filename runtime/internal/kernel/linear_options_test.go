package kernel

import (
	"math/rand"
	"testing"
)

// TestOptions demands of the options of a layer, for a machine without vectors, that each form with larger rows of inputs takes less time
// and more working memory, and that what options keep is not much more than was estimated.
func TestOptions(t *testing.T) {
	r := rand.New(rand.NewSource(51))
	l, _ := spec{out: [3]int{16, 32, 32}, terms: []Term{term([3]int{16, 32, 32}, 3, 1, 1, 32, 4)}, book: evenly(-128, 127), steps: "one", bias: 100, levels: 32}.make(r)
	l.Rows = 3000
	coded := codedWeights(l)
	var last Option
	rows, kept := 0, 0
	for _, o := range Options(l, l, coded, ARM, true, true) {
		k := PlanLinearAs(o, l, l, coded, ARM)
		if k == nil {
			t.Fatalf("no kernel of form %s", formNames[o.form])
		}
		if k.Coded() != o.Coded() || k.Name() != formNames[o.form] {
			t.Errorf("an option of form %s makes the kernel %s", formNames[o.form], k.Name())
		}
		if o.form == formExpanded && !o.tables {
			if rows++; rows > 1 && (o.Cost >= last.Cost || o.Need <= last.Need || o.rows <= last.rows) {
				t.Errorf("option %+v, before it %+v", o, last)
			}
			last = o
		}
		weights, tables := k.Memory()
		if o.Coded() {
			weights = 0
		}
		kept++
		if bytes := weights + tables; bytes > o.Bytes+o.Bytes/8+600 {
			t.Errorf("%s keeps %d bytes, estimated %d", k.Name(), bytes, o.Bytes)
		}
	}
	if rows < 2 || kept < 6 {
		t.Errorf("%d options, %d of them for rows of several sizes", kept, rows)
	}
}
