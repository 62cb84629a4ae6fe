package kernel

import "unsafe"

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Products) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	table := unsafe.Pointer(unsafe.SliceData(k.table))
	list := s.list[:k.taps+1]
	list[k.taps] = 0
	acc := s.acc[:len(k.bias)]
	if k.starts > 1 {
		k.runPositions(table, list, src, s)
		acc = s.acc
	} else {
		copy(acc, k.bias)
		if k.taps > 0 {
			k.listRows(table, list, src, 0)
			k.groupSums(acc, table, list)
		}
	}
	for _, p := range k.linked {
		p.add(acc, src[p.src])
	}
	if len(k.steps) <= 1 {
		n := max(len(dst), len(out))
		k.finish(dst, out, 0, acc[:n], 0, 0)
		return
	}
	k.finishChannels(dst, acc, k.starts, 0)
}

// runPositions leaves the sums of all positions in s.acc, channel after channel.
func (k *Products) runPositions(table unsafe.Pointer, list []uint32, src [][]byte, s *Scratch) {
	if k.taps == 0 {
		acc := s.acc
		for _, v := range k.bias[:k.outs] {
			for i := range acc[:k.starts] {
				acc[i] = v
			}
			acc = acc[k.starts:]
		}
		return
	}
	for p := range k.starts {
		k.listRows(table, list, src, p)
		codes := unsafe.Pointer(unsafe.SliceData(k.codes))
		at := p
		for bias := k.bias; len(bias) >= productGroup; bias = bias[productGroup:] {
			var sums [productGroup]int32
			copy(sums[:], bias)
			codes = k.sums(&sums, table, list, codes)
			for _, v := range sums {
				s.acc[at] = v
				at += k.starts
			}
		}
	}
}

// groupSums adds to acc what one position gives.
func (k *Products) groupSums(acc []int32, table unsafe.Pointer, list []uint32) {
	codes := unsafe.Pointer(unsafe.SliceData(k.codes))
	for ; len(acc) >= productGroup; acc = acc[productGroup:] {
		codes = k.sums((*[productGroup]int32)(acc), table, list, codes)
	}
}

// sums adds the products of a group of outputs and returns where the weights of the next one are.
func (k *Products) sums(acc *[productGroup]int32, table unsafe.Pointer, list []uint32, codes unsafe.Pointer) unsafe.Pointer {
	if k.narrow {
		return narrowProducts(acc, table, list, codes)
	}
	return wideProducts(acc, table, list, codes)
}

// listRows writes to list the rows of the inputs at position p.
func (k *Products) listRows(table unsafe.Pointer, list []uint32, src [][]byte, p int) {
	for _, t := range k.terms {
		shift := (t.shift + 2) & 31
		base := productBase(table) + uint32(t.at)<<2
		in, rows := src[t.src], list[:t.taps]
		list = list[t.taps:]
		if t.direct {
			in = in[:len(rows)]
			for i, x := range in {
				rows[i] = base + uint32(x)<<shift
			}
			continue
		}
		in = in[t.move[p]:]
		from := t.from[:len(rows)]
		for i, n := range from {
			rows[i] = base + uint32(in[n])<<shift
		}
	}
}

// add adds to acc the products of all links.
func (p *linkedTerm) add(acc []int32, in []byte) {
	table, first := unsafe.Pointer(unsafe.SliceData(p.table)), unsafe.Pointer(unsafe.SliceData(in))
	links := p.links
	if p.counts == nil {
		addLinks(acc[:p.outs], p.each, links, table, first)
		return
	}
	addCountedLinks(acc[:p.outs], p.counts, links, table, first)
}
