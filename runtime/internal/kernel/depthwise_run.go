package kernel

// Run computes the layer, a block of channels after the other: what a step wrote is not
// read before it has left the store buffers. src holds the input of its term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Depthwise) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	in, tables := src[0], k.tables
	at, o := 0, 0
	size := 0
	for range k.block {
		size += k.bytes
	}
	spread(s.rowBytes[:size], byte(k.fill.empty))
	for first := 0; o < len(k.add); first += k.block {
		n := min(k.block, k.channels-first)
		in = k.fillChannels(s.rowBytes, in, first, n)
		buffer, line := s.rowBytes, s.line
		start, firstOut := at, o
		for range n {
			for range k.per {
				even, odd := k.sums(buffer, tables, s)
				k.deliver(dst, out, at, o, line, even, odd, s)
				line = line[k.line:]
				tables = tables[k.table:]
				at += k.outPlane
				o++
			}
			buffer = buffer[k.bytes:]
		}
		if k.binned && !k.packed {
			k.unpack(dst, start, firstOut, o, s.line)
		}
	}
}

// sums computes the lanes of even and odd positions.
func (k *Depthwise) sums(buffer, tables []byte, s *Scratch) (even, odd []uint16) {
	half := (k.lanes + laneStep - 1) &^ (laneStep - 1) >> 1
	even, odd = s.lanes16[:half], s.lanes16[half:][:half]
	vectorDepthSums(k.vector, even, odd, buffer, k.taps, tables, k.wide)
	return even, odd
}

// depthSums computes the lanes of all positions:
//
//	lane[i] = sum over t of tables[t][buffer[taps[t]+i]-depthBias]
//
// even holds those of even i, odd the others.
func depthSums(even, odd []uint16, buffer []byte, taps []int32, tables []byte, wide bool) {
	clear(even)
	clear(odd)
	odd = odd[:len(even)]
	for _, tap := range taps {
		in := buffer[tap:][:len(even)<<1]
		low := (*[depthLevels]byte)(tables)
		tables = tables[depthLevels:]
		if !wide {
			for i := range even {
				pair := in[:2]
				even[i] += uint16(low[(pair[0]-depthBias)&(depthLevels-1)])
				odd[i] += uint16(low[(pair[1]-depthBias)&(depthLevels-1)])
				in = in[2:]
			}
			continue
		}
		high := (*[depthLevels]byte)(tables)
		tables = tables[depthLevels:]
		for i := range even {
			pair := in[:2]
			x, y := (pair[0]-depthBias)&(depthLevels-1), (pair[1]-depthBias)&(depthLevels-1)
			even[i] += uint16(low[x]) | uint16(high[x])<<8
			odd[i] += uint16(low[y]) | uint16(high[y])<<8
			in = in[2:]
		}
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

// deliver finishes output channel o, whose first element is at. Levels that are yet to be
// moved go to line.
func (k *Depthwise) deliver(dst []byte, out []int32, at, o int, line []byte, even, odd []uint16, s *Scratch) {
	add := k.add[o]
	if k.binned {
		b := k.step(o).bins
		plus, minus := b.offsets(add)
		if k.packed {
			line = dst[at : at+k.lanes]
		} else {
			line = line[:k.line] // whole vectors
		}
		binPairLevels(k.vector, line, even, odd, b, plus, minus)
		return
	}
	cols := k.out[2]
	acc := s.acc[:len(even)<<1]
	mergePairs(acc, even, odd)
	for range k.out[1] {
		k.finish(dst, out, at, acc[:cols], o, add)
		at += cols
		acc = acc[min(k.pitch, len(acc)):]
	}
}

// unpack moves rows of levels that are pitch bytes apart to dst, where those of output channel
// o, from first up to end, start at element at.
func (k *Depthwise) unpack(dst []byte, at, first, end int, line []byte) {
	rows, cols := k.out[1], k.out[2]
	if n := min(end, k.outSafe) - first; n > 0 {
		vectorUnpack(k.vector, dst[at:], line, n, rows, cols, k.pitch, k.line)
		for range n {
			line = line[k.line:]
			at += k.outPlane
		}
		first += n
	}
	for ; first < end; first++ {
		unpackRows(dst[at:at+k.outPlane], line, rows, cols, k.pitch)
		line = line[k.line:]
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
