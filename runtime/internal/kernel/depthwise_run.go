package kernel

// Run computes the layer, a block of channels after the other: what a step wrote is not
// read before it has left the store buffers. src holds the input of its term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Depthwise) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	in, tables := src[0], k.tables
	size := 0
	for range k.block {
		size += k.bytes
	}
	spread(s.rowBytes[:size], byte(k.fill.empty))
	at := 0
	for first, o := 0, 0; first < k.channels; first += k.block {
		n := min(k.block, k.channels-first)
		in = k.fillChannels(s.rowBytes, in, first, n)
		even, odd, after := k.sums(s, tables, o, n)
		tables = after
		outs := 0
		for range n {
			outs += k.per
		}
		k.deliver(dst, out, at, o, outs, even, odd, s)
		o += outs
		for range outs {
			at += k.outPlane
		}
	}
}

// sums computes the lanes of even and odd positions of the output channels that see the n
// input channels in the buffer. The first of them is channel o, whose tables are the first.
func (k *Depthwise) sums(s *Scratch, tables []byte, o, n int) (even, odd []uint16, after []byte) {
	half := k.lanes >> 1
	total := 0
	for range n {
		for range k.per {
			total += half
		}
	}
	even, odd = s.lanes16[:total], s.lanes16[total:][:total]
	buffer := s.rowBytes
	if k.per == 1 {
		vectorDepthSums(k.vector, even, odd, half, buffer, k.bytes, k.taps, tables, k.starts[o:o+n], k.wide)
		for range n {
			tables = tables[k.table:]
		}
		return even, odd, tables
	}
	at := 0
	for range n {
		for range k.per {
			vectorDepthSums(k.vector, even[at:][:half], odd[at:][:half], half, buffer, k.bytes, k.taps, tables, k.starts[o:o+1], k.wide)
			tables = tables[k.table:]
			at += half
			o++
		}
		buffer = buffer[k.bytes:]
	}
	return even, odd, tables
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

// fillChannels copies n input channels, the first of which is channel first and starts
// in, to the buffer. It returns what follows them.
func (k *Depthwise) fillChannels(buffer, in []byte, first, n int) []byte {
	f := &k.fill
	safe := min(n, k.fillSafe-first)
	if safe > 0 {
		vectorDepthFill(k.vector, buffer, in, f, safe, k.bytes, k.plane)
	}
	for c := range n {
		if c >= safe {
			f.generic(buffer, in)
		}
		buffer, in = buffer[k.bytes:], in[k.plane:]
	}
	return in
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

// deliver finishes n output channels, the first of which is channel o and starts at element
// at.
func (k *Depthwise) deliver(dst []byte, out []int32, at, o, n int, even, odd []uint16, s *Scratch) {
	line := s.line[:len(even)<<1]
	half := k.lanes >> 1
	switch {
	case k.common:
		b := k.steps[0].bins
		plus, minus := b.offsets(k.add[0])
		binPairLevels(k.vector, line, even, odd, b, plus, minus)
		k.unpack(dst, at, o, o+n, s.line)
	case k.binned:
		for c := range n {
			b := k.step(o + c).bins
			plus, minus := b.offsets(k.add[o+c])
			binPairLevels(k.vector, line[:k.lanes], even[:half], odd[:half], b, plus, minus)
			line, even, odd = line[k.lanes:], even[half:], odd[half:]
		}
		k.unpack(dst, at, o, o+n, s.line)
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

// unpack moves rows of levels that are pitch bytes apart to dst, where those of output channel
// first start at element at; the last is before end.
func (k *Depthwise) unpack(dst []byte, at, first, end int, line []byte) {
	if n := min(end, k.outSafe) - first; n > 0 {
		vectorUnpack(k.vector, dst[at:], line, n, k.rows, k.cols, k.pitch, k.lanes)
		for range n {
			line = line[k.lanes:]
			at += k.outPlane
		}
		first += n
	}
	for ; first < end; first++ {
		unpackRows(dst[at:at+k.outPlane], line, k.rows, k.cols, k.pitch)
		line = line[k.lanes:]
		at += k.outPlane
	}
}

// unpackRows copies rows of cols bytes that are pitch bytes apart.
func unpackRows(dst, line []byte, rows, cols, pitch int) {
	for ; rows > 0; rows-- {
		copy(dst[:cols], line)
		dst = dst[cols:]
		line = line[min(pitch, len(line)):]
	}
}

// spread sets all of dst, copying what is done already.
func spread(dst []byte, v byte) {
	n := min(len(dst), depthSlack)
	fillZero(dst[:n], v)
	for ; n < len(dst); n <<= 1 {
		copy(dst[n:], dst[:n])
	}
}
