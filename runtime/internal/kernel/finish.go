package kernel

// finisher turns the accumulators of an output channel into its levels.
type finisher struct {
	steps []*Requantizer // one for all channels or one per channel; empty: accumulators
}

func newFinisher(l *Layer) finisher {
	var f finisher
	if len(l.Steps) == 0 {
		return f
	}
	lo, hi := l.bounds(0)
	for o := range l.Out[0] {
		a, b := l.bounds(o)
		if len(l.Steps) > 1 {
			f.steps = append(f.steps, NewRequantizer(&l.Steps[o], a, b, l.positions()))
		}
		lo, hi = min(lo, a), max(hi, b)
	}
	if len(l.Steps) == 1 {
		f.steps = []*Requantizer{NewRequantizer(&l.Steps[0], lo, hi, l.Out[0]*l.positions())}
	}
	return f
}

// step is the requantizer of channel o; nil where accumulators are delivered.
func (f *finisher) step(o int) *Requantizer {
	switch len(f.steps) {
	case 0:
		return nil
	case 1:
		return f.steps[0]
	}
	return f.steps[o]
}

// bytes is the memory of the tables.
func (f *finisher) bytes() int {
	n := 0
	for _, r := range f.steps {
		n += r.Bytes()
	}
	return n
}

// finish delivers acc+add for channel o: levels to dst or, where the layer has no steps,
// accumulators to out, from element at on.
func (f *finisher) finish(dst []byte, out []int32, at int, acc []int32, o int, add int32) {
	if r := f.step(o); r != nil {
		r.Run(dst[at:at+len(acc)], acc, add)
		return
	}
	out = out[at : at+len(acc)]
	for i, a := range acc {
		out[i] = a + add
	}
}
