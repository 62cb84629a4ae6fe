package kernel

// Run computes the layer. src holds the input of its term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Depthwise) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	buffer := s.rowBytes[:k.bytes]
	fillZero(buffer, byte(k.fill.empty))
	in := src[0]
	channel, at, left := 0, 0, 0
	tables := k.tables
	for o, add := range k.add {
		if left == 0 {
			k.fillChannel(buffer, in[channel:])
			channel += k.plane
			left = k.per
		}
		left--
		even, odd := k.sums(buffer, tables, s)
		k.deliver(dst, out, at, o, add, even, odd, s)
		tables = tables[k.table:]
		at += k.outPlane
	}
}

// sums computes the lanes of even and odd positions.
func (k *Depthwise) sums(buffer, tables []byte, s *Scratch) (even, odd []uint16) {
	half := (k.lanes + laneStep - 1) &^ (laneStep - 1) >> 1
	even, odd = s.lanes16[:half], s.lanes16[half:][:half]
	if k.vector.depthwise() {
		vectorDepthSums(k.vector, even, odd, buffer, k.taps, tables, k.wide)
	} else {
		depthSums(even, odd, buffer, k.taps, tables, k.wide)
	}
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

// fillChannel copies the channel at the start of in to the buffer.
func (k *Depthwise) fillChannel(buffer, in []byte) {
	f := &k.fill
	if k.vector.depthwise() && len(f.rows) > 0 && f.reads <= len(in) {
		vectorDepthFill(k.vector, buffer, in, f)
		return
	}
	f.generic(buffer, in)
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

// deliver finishes output channel o, whose first element is at.
func (k *Depthwise) deliver(dst []byte, out []int32, at, o int, add int32, even, odd []uint16, s *Scratch) {
	r := k.step(o)
	cols := k.out[2]
	if r != nil && r.bins != nil && r.bins.fits(add) && r.bins.shift <= k.vector.binShiftLimit() {
		plus, minus := r.bins.offsets(add)
		if k.packed {
			binPairLevels(k.vector, dst[at:at+k.lanes], even, odd, r.bins, plus, minus)
			return
		}
		line := s.line[:k.lanes]
		binPairLevels(k.vector, line, even, odd, r.bins, plus, minus)
		k.unpack(dst[at:], s.line)
		return
	}
	acc := s.acc[:len(even)<<1]
	mergePairs(acc, even, odd)
	for range k.out[1] {
		k.finish(dst, out, at, acc[:cols], o, add)
		at += cols
		acc = acc[min(k.pitch, len(acc)):]
	}
}

// unpack moves rows of levels that are pitch bytes apart to dst.
func (k *Depthwise) unpack(dst, line []byte) {
	rows, cols := k.out[1], k.out[2]
	if k.vector.depthwise() && len(dst) >= k.outPlane+depthSlack {
		vectorUnpack(k.vector, dst, line, rows, cols, k.pitch)
		return
	}
	unpackRows(dst, line, rows, cols, k.pitch)
}

// unpackRows copies rows of cols bytes that are pitch bytes apart.
func unpackRows(dst, line []byte, rows, cols, pitch int) {
	for ; rows > 0; rows-- {
		copy(dst[:cols], line)
		dst = dst[cols:]
		line = line[min(pitch, len(line)):]
	}
}
