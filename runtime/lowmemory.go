package runtime

import "qconv/runtime/internal/kernel"

// preparePacked makes the kernel for l, described by layer, that reads the weights as they
// are coded in the Program, and returns its name.
func (s *ops) preparePacked(op *op, layer *kernel.Layer, l *Linear) (name string) {
	var coded []kernel.Coded
	for i := range l.Terms {
		w := &l.Terms[i].Weights
		coded = append(coded, kernel.Coded{Kind: w.kind, Data: w.data, Count: w.count, Size: w.size})
	}
	op.linear = kernel.NewPackedLinear(layer, coded)
	return s.count(op.linear)
}
