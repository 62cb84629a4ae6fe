package kernel

// ArgMax finds where along a line the largest element stands. A tensor is [outer][length][inner]; its lines
// have length elements that are inner apart.
type ArgMax struct {
	length, inner int
	block         int   // elements of an outer
	flip          int32 // 0, or -1 to find the smallest: ^v turns the order round
	last          bool  // of equal elements
}

// NewArgMax prepares lines of length elements, inner apart. Of equal elements it finds the first, or the last;
// with least it finds the smallest.
func NewArgMax(length, inner int, last, least bool) *ArgMax {
	k := &ArgMax{length: length, inner: inner, block: length * inner, last: last}
	if least {
		k.flip = -1
	}
	return k
}

// Run writes the position of every line of levels, [outer][inner] one after the other.
func (k *ArgMax) Run(dst []int32, in []byte) {
	for len(dst) > 0 {
		for i := range dst[:k.inner] {
			best, found, at := int32(in[i])^k.flip, 0, i
			for n := 1; n < k.length; n++ {
				at += k.inner
				if v := int32(in[at]) ^ k.flip; v > best || k.last && v == best {
					best, found = v, n
				}
			}
			dst[i] = int32(found)
		}
		dst, in = dst[k.inner:], in[k.block:]
	}
}

// RunWide is Run for accumulators.
func (k *ArgMax) RunWide(dst, in []int32) {
	for len(dst) > 0 {
		for i := range dst[:k.inner] {
			best, found, at := in[i]^k.flip, 0, i
			for n := 1; n < k.length; n++ {
				at += k.inner
				if v := in[at] ^ k.flip; v > best || k.last && v == best {
					best, found = v, n
				}
			}
			dst[i] = int32(found)
		}
		dst, in = dst[k.inner:], in[k.block:]
	}
}
