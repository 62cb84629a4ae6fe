package kernel

import "unsafe"

// A tap is a row of positions that is added to, or subtracted from, the sums of an
// output channel. The buffer of rows holds, for every position, an index of one byte
// (byte rows) or two bytes (16-bit rows). A tap program is a list of uint16:
//
//	segment = offset, planes, { shift, adds, subs, adds+subs units } * planes
//	unit    = tapUnit taps, each the address of a row in units of tapBytes
//
//	sum = 0
//	for every plane: sum <<= shift; sum += its adds; sum -= its subs
//	lane = sum + offset
//
// The lanes of a segment are 16 bits wide. Words are treated as big integers throughout:
// borrows and carries between lanes cancel, and the lanes come out exact as long as
// every final lane is in 0..65535, whatever happened on the way.
//
// In byte rows the taps of a group (groupUnits units, whose indices cannot sum to more
// than 255) are added in byte lanes to a word s; then T += s and D += s>>8 & low8. In the end
// D holds the odd lanes and T - D<<8 the even ones. Without vectors such programs have
// another form, see [stepKind].
const tapBytes = 4

// maxTapRows is the size in bytes of the largest buffer that a tap can address.
const maxTapRows = 1 << 16 * tapBytes

// tapUnit is the number of taps of a unit, for 16-bit rows if wide. Those that fill up the last unit of a
// list point to a row of zeros.
func (v Vector) tapUnit(wide bool) int {
	switch {
	case !v.any():
		return v.has().tapUnit
	case wide:
		return 1 // first layers have few taps
	}
	return 4
}

// With vectors every lane stands for itself: nothing is carried from one to the next.

// sums runs one segment for len(even) words of positions and returns what follows the
// segment. rows points to these words in the first row, prog to the two entries before the
// segment. With a v other than Portable len(even) is a multiple of v.laneWords().
//
// For byte rows even and odd, equally long, receive the lanes of even and of odd
// positions. For 16-bit rows (groupUnits == 0) even receives all lanes and odd is not used.
func sums(v Vector, even, odd []word, rows, prog unsafe.Pointer, groupUnits int) (next unsafe.Pointer) {
	switch {
	case v != Portable && groupUnits > 0:
		return vectorSweepBytes(v, unsafe.Pointer(&even[0]), unsafe.Pointer(&odd[0]), 0, rows, prog, len(even), groupUnits, 1)
	case v != Portable:
		return vectorSweepWide(v, unsafe.Pointer(&even[0]), 0, rows, prog, len(even), 1)
	case groupUnits > 0:
		return wordByteSums(even, odd, rows, unsafe.Add(prog, 4))
	}
	return wordWideSums(even, rows, unsafe.Add(prog, 4))
}
