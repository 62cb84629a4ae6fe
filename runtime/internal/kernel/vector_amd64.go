//go:build !purego

package kernel

// best is found once, when the program starts.
var best = detect()

func supported(v Vector) bool { return v == Portable || v >= AVX2 && v <= best }

// cpuid executes CPUID with EAX = leaf and ECX = sub.
func cpuid(leaf, sub uint32) (eax, ebx, ecx, edx uint32)

// xgetbv reads the low half of XCR0: the register states that the system saves.
func xgetbv() uint32

// Feature bits: CPUID leaf 1 ECX, leaf 7 EBX and ECX, and XCR0.
const (
	bitOSXSAVE = 1 << 27
	bitAVX     = 1 << 28

	bitAVX2     = 1 << 5
	bitAVX512F  = 1 << 16
	bitAVX512BW = 1 << 30
	bitAVX512VL = 1 << 31

	bitAVX512VBMI = 1 << 1

	stateYMM = 0x06 // XMM and YMM
	stateZMM = 0xE6 // and mask registers, ZMM
)

func detect() Vector {
	const (
		ebx512 = bitAVX512F | bitAVX512BW | bitAVX512VL
		ecx1   = bitOSXSAVE | bitAVX
	)
	top, _, _, _ := cpuid(0, 0)
	if top < 7 {
		return Portable
	}
	if _, _, c, _ := cpuid(1, 0); c&ecx1 != ecx1 {
		return Portable
	}
	state := xgetbv()
	_, b, c, _ := cpuid(7, 0)
	switch {
	case state&stateYMM != stateYMM || b&bitAVX2 == 0:
		return Portable
	case state&stateZMM != stateZMM || b&ebx512 != ebx512 || c&bitAVX512VBMI == 0:
		return AVX2
	}
	return AVX512
}
