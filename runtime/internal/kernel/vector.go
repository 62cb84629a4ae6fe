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
)

// String is the name of v in lower case.
func (v Vector) String() string {
	return [...]string{"portable", "neon", "avx2", "avx512"}[v]
}

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
