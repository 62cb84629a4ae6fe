package kernel

import "unsafe"

// Lane i of a word is the byte (or pair of bytes) at address i of its memory image, and
// also bits 8i.. (or 16i..) of its value. Both hold on little-endian machines only.

const (
	ones16 = ^word(0) / 0xFFFF // 1 in every 16-bit lane
	low8   = ones16 * 0xFF     // the low byte of every 16-bit lane
	high8  = low8 << 8         // the high byte of every 16-bit lane
	ones8  = ^word(0) / 0xFF   // 1 in every byte lane
	low4   = ones8 * 0x0F      // the low nibble of every byte lane
)

// LittleEndian says whether lane arithmetic works on this machine. Where it does not,
// only [Lookup] computes linear layers.
var LittleEndian = func() bool {
	x := uint16(1)
	return *(*byte)(unsafe.Pointer(&x)) == 1
}()
