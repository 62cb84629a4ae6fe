//go:build !purego

package kernel

// fourProducts sets acc to the products of a with four columns of b, whose rows are columns elements apart. Levels of a that are zero have none;
// minus begins where the level 0 of a does.
func fourProducts(acc *[4]int32, a, b []byte, columns int, zero uint8, plus, minus *[256]uint16) {
	fourProductsARM(acc, &a[0], len(a), &b[0], columns, uint32(zero), &plus[0], &minus[0])
}

//go:noescape
func fourProductsARM(sums *[4]int32, a *byte, n int, b *byte, columns int, zero uint32, plus, minus *uint16)
