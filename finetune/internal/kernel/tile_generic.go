package kernel

func tileGeneric(t *tile) {
	for v := 0; v < 2; v++ {
		for r := 0; r < t.rows; r++ {
			for l := 0; l < vecLen; l += 4 {
				tileFour(t, r, t.bAt[v]+l, t.cAt[v]+r*t.ldc+l)
			}
		}
	}
}

// tileFour computes four neighbouring elements of row r of a tile, from b[at:] to c[to:].
func tileFour(t *tile, r, at, to int) {
	rows, b := t.rows, t.b[at:]
	s0, s1, s2, s3 := t.init[r], t.init[r], t.init[r], t.init[r]
	for _, o := range t.off {
		a := t.a[r]
		x := b[o : o+4 : o+4]
		s0 += a * x[0]
		s1 += a * x[1]
		s2 += a * x[2]
		s3 += a * x[3]
		r += rows
	}
	c := t.c[to : to+4 : to+4]
	if t.add {
		s0, s1, s2, s3 = c[0]+s0, c[1]+s1, c[2]+s2, c[3]+s3
	}
	c[0], c[1], c[2], c[3] = s0, s1, s2, s3
}
