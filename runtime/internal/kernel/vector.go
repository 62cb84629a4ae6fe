package kernel

// Vector is an instruction set that a kernel uses beyond the registers of package-wide
// words. Functions whose names begin with vector have one implementation per platform
// (files _amd64 and _arm64); stubs.go stands in where there is none. What they do is in traits.go.
// They are only called with a Vector other than Portable that Best has found.
type Vector uint8

const (
	Portable Vector = iota // words only
	NEON
	AVX2
	AVX512 // F, BW, VL and VBMI

	// Other machines, for which kernels are planned but do not run here: see [PlanLinear].
	ARM      // words of 32 bits, with the assembly for ARM
	Words32  // words of 32 bits
	Words64  // words of 64 bits
	Reversed // words of 32 bits whose highest byte comes first

	vectors
)

// String is the name of v in lower case.
func (v Vector) String() string {
	return [vectors]string{"portable", "neon", "avx2", "avx512", "arm", "words of 32 bits", "words of 64 bits", "big-endian"}[v]
}

// WordBits is the number of bits of a word.
func (v Vector) WordBits() int { return v.has().bits }

// BigEndian says that the highest byte of a word comes first.
func (v Vector) BigEndian() bool { return v.has().bigEndian }

// Best is the fastest instruction set of this machine.
func Best() Vector { return best }

// Available lists the instruction sets of this machine, Portable first.
func Available() []Vector {
	list := []Vector{Portable}
	for v := NEON; v <= best; v++ {
		if supported(v) {
			list = append(list, v)
		}
	}
	return list
}
