package kernel

func gradTileGeneric(t *gradTile) {
	for r := 0; r < t.rows; r++ {
		a := t.a[t.at[r]:]
		for j := 0; j < tileCols; j += 4 {
			b := t.b[j:]
			s0, s1, s2, s3 := t.init[j], t.init[j+1], t.init[j+2], t.init[j+3]
			for _, p := range t.pos {
				x := a[p]
				s0 += x * b[0]
				s1 += x * b[1]
				s2 += x * b[2]
				s3 += x * b[3]
				b = b[min(tileCols, len(b)):]
			}
			c := t.c[r*t.ldc+j:][:4]
			if t.add {
				s0, s1, s2, s3 = c[0]+s0, c[1]+s1, c[2]+s2, c[3]+s3
			}
			c[0], c[1], c[2], c[3] = s0, s1, s2, s3
		}
	}
}

func dotsGeneric(d *dots) {
	for r, at := range d.at {
		for l := 0; l < vecLen; l += 4 {
			a := d.a[int(at)+l:]
			c := d.c[r*vecLen+l:][:4]
			s0, s1, s2, s3 := c[0], c[1], c[2], c[3]
			for v, o := range d.off {
				x, y := a[o:o+4:o+4], d.b[v*vecLen+l:][:4]
				s0 += x[0] * y[0]
				s1 += x[1] * y[1]
				s2 += x[2] * y[2]
				s3 += x[3] * y[3]
			}
			c[0], c[1], c[2], c[3] = s0, s1, s2, s3
		}
	}
}
