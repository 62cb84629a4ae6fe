package kernel

// depthBlock is a number of channels that are computed together.
type depthBlock struct {
	channels    int // of the input
	first, outs int // output channels
	half        int // lanes of even positions of all output channels
	in, out     int // elements before it
	size        int // elements of its output
	tables      int // bytes before those of its channels
}

// cut divides the layer into blocks of at most size input channels.
func (k *Depthwise) cut(size int) {
	for c := 0; c < k.channels; c += size {
		n := min(size, k.channels-c)
		o := c * k.per
		k.blocks = append(k.blocks, depthBlock{n, o, n * k.per, n * k.per * k.lanes / 2, c * k.plane, o * k.outPlane, n * k.per * k.outPlane, o * k.table})
	}
	k.room = k.blocks[0].channels * k.bytes
}

// Run computes the layer, a block of channels after the other: what a step wrote is not
// read before it has left the store buffers. src holds the input of its term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Depthwise) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	in := src[0]
	spread(s.rowBytes[:k.room], byte(k.fill.empty))
	for blocks := k.blocks; len(blocks) > 0; blocks = blocks[1:] {
		b := &blocks[0]
		if len(k.fill.rows) > 0 {
			k.fill.channels(k.vector, s.rowBytes, in[b.in:], b.channels, k.bytes, k.plane)
		}
		even, odd := s.lanes16[:b.half], s.lanes16[b.half:][:b.half]
		k.sums(s.rowBytes, even, odd, b)
		k.deliver(dst, out, b, even, odd, s)
	}
}

// sums computes the lanes of even and odd positions of a block, whose input is in the buffer.
func (k *Depthwise) sums(buffer []byte, even, odd []uint16, b *depthBlock) {
	half := k.lanes >> 1
	tables, starts := k.tables[b.tables:], k.starts[b.first:][:b.outs]
	switch {
	case k.paired:
		vectorDepthPairs(k.vector, even, odd, half, buffer, k.bytes, k.taps, tables, starts)
	case k.per == 1:
		vectorDepthSums(k.vector, even, odd, half, buffer, k.bytes, k.taps, tables, starts, k.wide)
	default:
		for range b.channels {
			for range k.per {
				vectorDepthSums(k.vector, even[:half], odd[:half], half, buffer, k.bytes, k.taps, tables, starts[:1], k.wide)
				tables, starts = tables[k.table:], starts[1:]
				even, odd = even[half:], odd[half:]
			}
			buffer = buffer[k.bytes:]
		}
	}
}

// depthPairs is [depthSums] for tables of pairs of channels, see [pairTables], and products of one
// byte.
func depthPairs(even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart) {
	var own [2][]byte
	for ; len(starts) > 0; starts = starts[2:] {
		own[0], own[1] = own[0][:0], own[1][:0]
		for range taps {
			for c := range own {
				own[c] = append(append(own[c], tables[16*c:][:16]...), tables[32+16*c:][:16]...)
			}
			tables = tables[2*depthLevels:]
		}
		for c := range own {
			depthSums(even[:half], odd[:half], half, buffer, step, taps, own[c], starts[c:][:1], false)
			even, odd, buffer = even[half:], odd[half:], buffer[min(step, len(buffer)):]
		}
	}
}

// depthSums computes the lanes of a channel for every element of starts:
//
//	lane[i] = start + sum over t of tables[t][buffer[taps[t]+i]-depthBias]
//
// even holds those of even i, odd the others, half of them per channel. Channels are step
// bytes apart in buffer.
func depthSums(even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart, wide bool) {
	for _, start := range starts {
		evens, odds := even[:half], odd[:half]
		even, odd = even[half:], odd[half:]
		for i := range evens {
			evens[i], odds[i] = start.odd, start.odd
		}
		for _, tap := range taps {
			in := buffer[tap:][:half<<1]
			low := (*[depthLevels]byte)(tables)
			tables = tables[depthLevels:]
			high := new([depthLevels]byte)
			if wide {
				high = (*[depthLevels]byte)(tables)
				tables = tables[depthLevels:]
			}
			for i := range evens {
				x, y := in[2*i]-depthBias, in[2*i+1]-depthBias
				evens[i] += uint16(low[x]) | uint16(high[x])<<8
				odds[i] += uint16(low[y]) | uint16(high[y])<<8
			}
		}
		buffer = buffer[min(step, len(buffer)):]
	}
}

// channels copies a number of channels, which are plane bytes apart in in and step bytes in buffer.
func (f *depthFill) channels(v Vector, buffer, in []byte, n, step, plane int) {
	if f.moves != nil {
		vectorMoveRows(v, buffer[f.rows[0].dst:], in, f.moves, n, step, plane)
		return
	}
	vectorDepthFill(v, buffer, in, f, n, step, plane)
}

// generic copies all rows.
func (f *depthFill) generic(buffer, in []byte) {
	for _, r := range f.rows {
		from := in[r.src:][:f.cols]
		if f.stride == 1 {
			to := buffer[r.dst:][:f.cols]
			for i, x := range from {
				to[i] = x + depthBias
			}
			continue
		}
		at := r.dst
		for ; len(from) >= 2; from = from[2:] {
			buffer[at] = from[0] + depthBias
			buffer[at+f.odd] = from[1] + depthBias
			at++
		}
		if len(from) > 0 {
			buffer[at] = from[0] + depthBias
		}
	}
}

// deliver finishes the output channels of a block.
func (k *Depthwise) deliver(dst []byte, out []int32, block *depthBlock, even, odd []uint16, s *Scratch) {
	at, o, n := block.out, block.first, block.outs
	line := s.line[:len(even)<<1]
	half := k.lanes >> 1
	switch {
	case k.common:
		b := k.steps[0].bins
		binPairLevels(k.vector, line, even, odd, b, b.minus(k.add[0]))
		k.gather.channels(k.vector, dst[at:], s.line, n, k.lanes, block.size)
	case k.binned:
		for c := range n {
			b := k.step(o + c).bins
			binPairLevels(k.vector, line[:k.lanes], even[:half], odd[:half], b, b.minus(k.add[o+c]))
			line, even, odd = line[k.lanes:], even[half:], odd[half:]
		}
		k.gather.channels(k.vector, dst[at:], s.line, n, k.lanes, block.size)
	case k.pairs():
		for c := range n {
			r, evens, odds := k.step(o+c), even, odd
			for range k.rows {
				r.RunPairs(dst[at:at+k.cols], evens, odds, k.add[o+c])
				at += k.cols
				evens, odds = evens[min(k.pitch>>1, len(evens)):], odds[min(k.pitch>>1, len(odds)):]
			}
			even, odd = even[half:], odd[half:]
		}
	default:
		for c := range n {
			acc := s.acc[:k.lanes]
			mergePairs(acc, even[:half], odd[:half])
			for range k.rows {
				k.finish(dst, out, at, acc[:k.cols], o+c, k.add[o+c])
				at += k.cols
				acc = acc[min(k.pitch, len(acc)):]
			}
			even, odd = even[half:], odd[half:]
		}
	}
}

// pairs says that rows of levels can be made from lanes of even and odd positions.
func (k *Depthwise) pairs() bool {
	return len(k.steps) == 1 && k.steps[0].takesPairs() && (k.rows == 1 || k.pitch&1 == 0)
}

// spread sets all of dst, copying what is done already.
func spread(dst []byte, v byte) {
	n := min(len(dst), depthSlack)
	fillZero(dst[:n], v)
	for ; n < len(dst); n <<= 1 {
		copy(dst[n:], dst[:n])
	}
}
