//go:build !purego

package kernel

import "unsafe"

// addRows2 adds the rows at base + list[i] to the sums of a pair of columns. The low
// nibbles of column c are stream 2c, the high ones stream 2c+1. Not more than group rows
// are added in byte lanes.
func addRows2(s *laneSums, base unsafe.Pointer, list []uint32, group int) {
	if len(list) > 0 {
		addRows2ARM(s, base, &list[0], len(list), group)
	}
}

// addRows1 is addRows2 for a single column, whose rows are half as far apart.
func addRows1(s *laneSums, base unsafe.Pointer, list []uint32, group int) {
	if len(list) > 0 {
		addRows1ARM(s, base, &list[0], len(list), group)
	}
}

//go:noescape
func addRows2ARM(s *laneSums, base unsafe.Pointer, list *uint32, n, group int)

//go:noescape
func addRows1ARM(s *laneSums, base unsafe.Pointer, list *uint32, n, group int)
