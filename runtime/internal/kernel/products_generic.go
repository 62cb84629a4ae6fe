//go:build !arm || purego

package kernel

import "unsafe"

// wordProductCost is the time of a group's products of one input in additions of words.
const wordProductCost = 20

// productBase is what rows are listed from: they are distances in bytes from the table.
func productBase(unsafe.Pointer) uint32 { return 0 }

// narrowProducts adds to acc the products of a group of outputs, whose weights have 4 bits, and returns where those of the next one are.
// list ends with an entry of no meaning.
func narrowProducts(acc *[productGroup]int32, table unsafe.Pointer, list []uint32, codes unsafe.Pointer) unsafe.Pointer {
	a, b, c, d := acc[0], acc[1], acc[2], acc[3]
	e, f, g, h := acc[4], acc[5], acc[6], acc[7]
	for _, at := range list[:len(list)-1] {
		row := unsafe.Add(table, at)
		w := *(*uint32)(codes)
		codes = unsafe.Add(codes, 4)
		a += productAt(row, w&15)
		b += productAt(row, w>>4&15)
		c += productAt(row, w>>8&15)
		d += productAt(row, w>>12&15)
		e += productAt(row, w>>16&15)
		f += productAt(row, w>>20&15)
		g += productAt(row, w>>24&15)
		h += productAt(row, w>>28)
	}
	*acc = [productGroup]int32{a, b, c, d, e, f, g, h}
	return codes
}

// wideProducts is narrowProducts for weights of 8 bits.
func wideProducts(acc *[productGroup]int32, table unsafe.Pointer, list []uint32, codes unsafe.Pointer) unsafe.Pointer {
	a, b, c, d := acc[0], acc[1], acc[2], acc[3]
	e, f, g, h := acc[4], acc[5], acc[6], acc[7]
	for _, at := range list[:len(list)-1] {
		row := unsafe.Add(table, at)
		w := *(*uint32)(codes)
		a += productAt(row, w&255)
		b += productAt(row, w>>8&255)
		c += productAt(row, w>>16&255)
		d += productAt(row, w>>24)
		w = *(*uint32)(unsafe.Add(codes, 4))
		codes = unsafe.Add(codes, 8)
		e += productAt(row, w&255)
		f += productAt(row, w>>8&255)
		g += productAt(row, w>>16&255)
		h += productAt(row, w>>24)
	}
	*acc = [productGroup]int32{a, b, c, d, e, f, g, h}
	return codes
}

// productAt is element w of a row.
func productAt(row unsafe.Pointer, w uint32) int32 { return *(*int32)(unsafe.Add(row, uintptr(w)<<2)) }

// addLinks adds to every element of acc the products of its links, each of them. There is one link more, of no meaning.
func addLinks(acc []int32, each int, links []productLink, table, in unsafe.Pointer) {
	at := unsafe.Pointer(unsafe.SliceData(links))
	for i, sum := range acc {
		for n := each; n > 0; n-- {
			sum += linkedProduct(table, in, at)
			at = unsafe.Add(at, unsafe.Sizeof(productLink{}))
		}
		acc[i] = sum
	}
}

// addCountedLinks is addLinks with a number of links for every element.
func addCountedLinks(acc []int32, counts []uint16, links []productLink, table, in unsafe.Pointer) {
	at := unsafe.Pointer(unsafe.SliceData(links))
	for i, n := range counts[:len(acc)] {
		sum := acc[i]
		for ; n > 0; n-- {
			sum += linkedProduct(table, in, at)
			at = unsafe.Add(at, unsafe.Sizeof(productLink{}))
		}
		acc[i] = sum
	}
}

// linkedProduct is what the link at a place adds.
func linkedProduct(table, in, link unsafe.Pointer) int32 {
	l := (*productLink)(link)
	x := *(*uint8)(unsafe.Add(in, l.in))
	return *(*int32)(unsafe.Add(table, uintptr(l.at+uint32(x))<<2))
}
