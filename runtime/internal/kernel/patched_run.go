package kernel

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Patched) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	for i := range k.terms {
		t := &k.terms[i]
		transpose(k.vector, s.rowBytes[t.at:], src[t.src], t.channels, t.plane)
	}
	if k.binned {
		line := s.line
		for y := range k.size[0] {
			for x := range k.size[1] {
				acc, add := k.position(y, x, s)
				k.steps[0].runLimited(k.vector, line[:k.channels], acc, add, s.lanes16)
				line = line[k.channels:]
			}
		}
		transpose(k.vector, dst, s.line, k.plane, k.channels)
		return
	}
	sums := out
	if len(k.steps) > 0 {
		sums = s.acc[len(k.bias):]
	}
	at := 0
	for y := range k.size[0] {
		for x := range k.size[1] {
			acc, add := k.position(y, x, s)
			to := sums[at:]
			for _, a := range acc[:k.channels] {
				to[0] = a + add
				to = to[min(k.plane, len(to)):]
			}
			at++
		}
	}
	for i := range k.lookups {
		t := &k.lookups[i]
		rest := sums
		for o := range k.channels {
			t.term.add(rest[:k.plane], src[t.src], o)
			rest = rest[k.plane:]
		}
	}
	switch {
	case k.single:
		k.finish(dst, nil, 0, sums[:len(dst)], 0, 0)
	case len(k.steps) > 0:
		k.finishChannels(dst, sums, k.plane, 0)
	}
}

// position computes the sums of the channels at a position, all of which lack add.
func (k *Patched) position(y, x int, s *Scratch) (acc []int32, add int32) {
	acc = s.acc[:len(k.bias)]
	copy(acc, k.bias)
	for i := range k.terms {
		t := &k.terms[i]
		patch := t.patch(s.rowBytes, t.rows[y], t.cols[x])
		for _, p := range t.parts {
			add += p.run(acc, patch[p.first:], s.list)
		}
	}
	return acc, add
}

// patch gathers what a position meets, which is the kernel rows and columns given; elsewhere it meets the index
// worth zero.
func (t *patchTerm) patch(buffer []byte, rows, cols []patchStep) []byte {
	in := buffer[t.at:]
	if t.pixel {
		return in[int(rows[0].in)+int(cols[0].in):]
	}
	patch := buffer[t.patchAt:]
	left := t.steps
	for range rows {
		left -= len(cols)
	}
	if left > 0 {
		spread(patch[:t.elems], t.zero)
	}
	for _, row := range rows {
		for _, col := range cols {
			copy(patch[row.patch+col.patch:][:t.channels], in[row.in+col.in:])
		}
	}
	return patch
}
