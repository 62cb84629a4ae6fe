//go:build !purego

package kernel

import "unsafe"

// wordProductCost is the time of a group's products of one input in additions of words.
const wordProductCost = 13

// productBase is what rows are listed from: they are addresses.
func productBase(table unsafe.Pointer) uint32 { return uint32(uintptr(table)) }

// narrowProducts adds to acc the products of a group of outputs, whose weights have 4 bits, and returns where those of the next one are.
// list ends with 0.
func narrowProducts(acc *[productGroup]int32, _ unsafe.Pointer, list []uint32, codes unsafe.Pointer) unsafe.Pointer {
	return narrowProductsARM(acc, unsafe.SliceData(list), codes)
}

// wideProducts is narrowProducts for weights of 8 bits.
func wideProducts(acc *[productGroup]int32, _ unsafe.Pointer, list []uint32, codes unsafe.Pointer) unsafe.Pointer {
	return wideProductsARM(acc, unsafe.SliceData(list), codes)
}

// addLinks adds to every element of acc the products of its links, each of them. There is one link more, of no meaning.
func addLinks(acc []int32, each int, links []productLink, table, in unsafe.Pointer) {
	if each > 0 {
		addLinksARM(unsafe.SliceData(acc), len(acc), each, unsafe.SliceData(links), table, in)
	}
}

// addCountedLinks is addLinks with a number of links for every element.
func addCountedLinks(acc []int32, counts []uint16, links []productLink, table, in unsafe.Pointer) {
	if n := len(acc); n > 0 {
		addCountedLinksARM(&acc[0], n, &counts[:n][0], unsafe.SliceData(links), table, in)
	}
}

//go:noescape
func addCountedLinksARM(acc *int32, n int, counts *uint16, links *productLink, table, in unsafe.Pointer)

//go:noescape
func addLinksARM(acc *int32, n, each int, links *productLink, table, in unsafe.Pointer)

//go:noescape
func narrowProductsARM(acc *[productGroup]int32, list *uint32, codes unsafe.Pointer) unsafe.Pointer

//go:noescape
func wideProductsARM(acc *[productGroup]int32, list *uint32, codes unsafe.Pointer) unsafe.Pointer
