package kernel

// digits writes c as a sum of signed powers of two with the fewest terms (the canonical
// signed-digit form, in which no two neighbouring digits are both non-zero):
//
//	c = sum over bits b of plus 2^b - sum over bits b of minus 2^b
func digits(c int32) (plus, minus uint64) {
	x := int64(c)
	half := x >> 1
	sum := x + half
	differ := half ^ sum
	return uint64(sum & differ), uint64(half & differ)
}
