package kernel

// Cropped is l without the rows and columns of kernels that meet no input at any output position: they contribute
// nothing. One of each is kept.
func (l *Layer) Cropped() *Layer {
	crop := *l
	crop.Terms = make([]Term, len(l.Terms))
	for i := range l.Terms {
		crop.Terms[i] = l.Terms[i].cropped(l)
	}
	return &crop
}

// Turned is l with rows and columns exchanged, where nothing has more than one column: long rows suit kernels better.
func (l *Layer) Turned() *Layer {
	if l.Out[2] != 1 || l.Out[1] == 1 {
		return l
	}
	for i := range l.Terms {
		if l.Terms[i].Shape[2] != 1 || l.Terms[i].Kernel[1] != 1 {
			return l
		}
	}
	turned := *l
	turned.Out = [3]int{l.Out[0], 1, l.Out[1]}
	turned.Terms = make([]Term, len(l.Terms))
	for i, t := range l.Terms {
		t.Shape = [3]int{t.Shape[0], 1, t.Shape[1]}
		for _, pair := range []*[2]int{&t.Kernel, &t.Stride, &t.Dilation, &t.Pad, &t.Up} {
			pair[0], pair[1] = pair[1], pair[0]
		}
		turned.Terms[i] = t
	}
	return &turned
}

// cropped is t without the rows and columns that meet no input.
func (t Term) cropped(l *Layer) Term {
	var from, to [2]int
	for a := range 2 {
		from[a], to[a] = t.reach(a, l.Out[1+a])
	}
	if from == [2]int{} && to == t.Kernel {
		return t
	}
	rows, cols := t.Kernel[0], t.Kernel[1]
	kept := make([]uint16, 0, len(t.Weights)/(rows*cols)*(to[0]-from[0])*(to[1]-from[1]))
	for w := t.Weights; len(w) > 0; w = w[rows*cols:] {
		for y := from[0]; y < to[0]; y++ {
			kept = append(kept, w[y*cols+from[1]:y*cols+to[1]]...)
		}
	}
	for a := range 2 {
		t.Pad[a] -= from[a] * t.Dilation[a]
		t.Kernel[a] = to[a] - from[a]
	}
	t.Weights = kept
	return t
}

// reach is the range of kernel coordinates along axis a, not empty, outside which none meets the input at any of n output
// coordinates: y*stride - pad + k*dilation is below 0 for the last y, or beyond the input for the first.
func (t *Term) reach(a, n int) (from, to int) {
	from = ceilDiv(max(0, t.Pad[a]-(n-1)*t.Stride[a]), t.Dilation[a])
	from = min(from, t.Kernel[a]-1)
	to = floorDiv((t.Shape[1+a]-1)*t.Up[a]+t.Pad[a], t.Dilation[a]) + 1
	return from, max(from+1, min(to, t.Kernel[a]))
}
