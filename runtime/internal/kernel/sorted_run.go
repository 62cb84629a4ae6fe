package kernel

import "unsafe"

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Sorted) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	acc := s.acc[:len(k.bias)]
	copy(acc, k.bias)
	add := int32(0)
	for _, p := range k.parts {
		add += p.run(acc, src[p.src][p.first:], s.list)
	}
	switch {
	case k.binned:
		k.steps[0].runLimited(k.vector, dst, acc, add, s.lanes16)
	case k.single:
		k.finish(dst, nil, 0, acc[:len(dst)], 0, add)
	case len(k.steps) == 0:
		vectorAddTo(k.vector, out, acc, add)
	default:
		k.finishChannels(dst, acc, k.plane, add)
	}
}

// run adds the part's share to acc and returns what is missing from every element.
func (p *sortedPart) run(acc []int32, in []byte, list []uint32) int32 {
	if p.tables != nil {
		return p.runLooks(acc, in[:p.n], list)
	}
	var ends [257]uint32 // after sort: where the entries of a bucket end; bucket 0 is dropped
	list = p.sort(&ends, in[:p.n], list)

	base := unsafe.Pointer(unsafe.SliceData(p.rows))
	streams := p.streams
	columns := p.columns
	if p.stripColumns > 0 {
		at := 0
		for ; len(streams) > 0; at += p.pairBytes {
			n := min(p.stripColumns<<1, len(streams))
			p.strip(acc, streams[:n], unsafe.Add(base, at), list, &ends)
			streams = streams[n:]
		}
		return p.lowShare(&ends)
	}
	at := 0 // bytes; a pointer past the last row would be none
	for ; columns >= 2; columns -= 2 {
		n := min(4, len(streams))
		p.pair(acc, streams[:n], unsafe.Add(base, at), list, &ends)
		streams = streams[n:]
		at += p.pairBytes
	}
	if columns > 0 {
		p.column(acc, streams, unsafe.Add(base, at), list, &ends)
	}
	return p.lowShare(&ends)
}

// sort writes to list, bucket after bucket, where the rows of the input elements are
// (bytes from the first row of a pair of columns or strip), and sets ends. In front of the first bucket are
// elements that are left out.
func (p *sortedPart) sort(ends *[257]uint32, in []byte, list []uint32) []uint32 {
	var counts [256]uint32 // of elements by level
	countLevels(p.vector, &counts, in)
	list = list[:p.listLen]
	step := uint32(1) << (p.rowShift & 31)
	if p.split {
		p.place(ends, &counts, in, list)
		return list
	}
	at := counts[p.zero]
	counts[p.zero], ends[0] = 0, at
	for i, level := range p.order {
		n := counts[level]
		counts[level] = at
		at += n
		ends[i+1] = at
	}
	placeRows(p.vector, list, &counts, in, step)
	return list
}

// countLevels counts the elements of every level.
func countLevels(v Vector, counts *[256]uint32, in []byte) {
	if v.has().sorts && len(in) >= 8 {
		vectorCountLevels(counts, in)
		return
	}
	for _, x := range in {
		counts[x]++
	}
}

// placeRows writes to list where the row of every element is, rows being step bytes apart: at position at[level], which
// it advances. at must lead to positions in list.
func placeRows(v Vector, list []uint32, at *[256]uint32, in []byte, step uint32) {
	if v.has().sorts && len(in) >= 8 {
		vectorPlaceRows(list, at, in, step)
		return
	}
	row := uint32(0)
	for _, x := range in {
		n := at[x]
		at[x] = n + 1
		list[n] = row
		row += step
	}
}

// place is the rest of sort for levels of two digits: an element has a place in a bucket of each.
func (p *sortedPart) place(ends *[257]uint32, counts *[256]uint32, in []byte, list []uint32) {
	first, second := (*[256]uint8)(p.of[0]), (*[256]uint8)(p.of[1])
	for x, n := range counts {
		ends[first[x]] += n
		ends[second[x]] += n
	}
	var start [257]uint32
	at := uint32(0)
	used := ends[:len(p.buckets)+1]
	for b, n := range used {
		start[b] = at
		at += n
		used[b] = at
	}
	row, step := uint32(0), uint32(1)<<(p.rowShift&31)
	for _, x := range in {
		i, j := &start[first[x]], &start[second[x]]
		list[*i] = row
		*i++
		list[*j] = row
		*j++
		row += step
	}
}

// lowShare is the smallest centre times the sum of all inputs.
func (p *sortedPart) lowShare(ends *[257]uint32) int32 {
	var total, run, sum uint32
	at := ends[0]
	for i, b := range p.buckets {
		end := ends[i+1]
		run += end - at
		at = end
		sum += run
		if b.last {
			sum <<= b.shift & 31
			if b.negate {
				sum = -sum
			}
			total += sum
			run, sum = 0, 0
		}
	}
	return p.lowTimes(total)
}

// lowTimes is the smallest centre times total.
func (p *sortedPart) lowTimes(total uint32) int32 {
	share := uint32(0)
	for _, d := range p.low {
		if d.negate {
			share -= total << (d.shift & 31)
		} else {
			share += total << (d.shift & 31)
		}
	}
	return int32(share)
}

// laneSums are sums of the four streams of a pair of columns: T and D of [sums].
type laneSums struct{ t, d [4]word }

// pair adds the share of two columns to acc.
func (p *sortedPart) pair(acc []int32, streams []stream, base unsafe.Pointer, list []uint32, ends *[257]uint32) {
	var run, sum laneSums // rows so far; run after every value so far
	var runTop, sumTop uint32
	at := ends[0]
	for i, b := range p.buckets {
		end := ends[i+1]
		if end > at {
			addRows2(&run, base, list[at:end], p.group)
			runTop += (end-at)<<(p.bits&7) - (end - at)
			at = end
		}
		if runTop == 0 {
			continue
		}
		if sumTop += runTop; sumTop > 0xFFFF {
			sum.flush(acc, streams, b)
			sumTop = runTop
		}
		for j := range sum.t {
			sum.t[j] += run.t[j]
			sum.d[j] += run.d[j]
		}
		if b.last {
			sum.flush(acc, streams, b)
			run = laneSums{}
			runTop, sumTop = 0, 0
		}
	}
}

// column is pair for a single column.
func (p *sortedPart) column(acc []int32, streams []stream, base unsafe.Pointer, list []uint32, ends *[257]uint32) {
	var run, sum laneSums
	var runTop, sumTop uint32
	at := ends[0]
	for i, b := range p.buckets {
		end := ends[i+1]
		if end > at {
			addRows1(&run, base, list[at:end], p.group)
			runTop += (end-at)<<(p.bits&7) - (end - at)
			at = end
		}
		if runTop == 0 {
			continue
		}
		if sumTop += runTop; sumTop > 0xFFFF {
			sum.flush(acc, streams, b)
			sumTop = runTop
		}
		for j := range 2 {
			sum.t[j] += run.t[j]
			sum.d[j] += run.d[j]
		}
		if b.last {
			sum.flush(acc, streams, b)
			run = laneSums{}
			runTop, sumTop = 0, 0
		}
	}
}

// flush moves the sums to the accumulators: acc +-= lane << shifts.
func (s *laneSums) flush(acc []int32, streams []stream, b bucket) {
	for j, st := range streams {
		out := acc[st.acc:]
		odd := s.d[j]
		even := s.t[j] - odd<<8
		shift := (st.shift + b.shift) & 31
		for i := 0; i < wordBytes; i += 2 {
			e, o := int32(even&0xFFFF)<<shift, int32(odd&0xFFFF)<<shift
			if b.negate {
				e, o = -e, -o
			}
			out[i] += e
			out[i+1] += o
			even >>= 16
			odd >>= 16
		}
	}
	*s = laneSums{}
}
