package kernel

func stripGeneric(s *strip) {
	for v, at := range s.at {
		for l := 0; l < vecLen; l += 4 {
			b := s.b[int(at)+l:]
			s0, s1, s2, s3 := s.init, s.init, s.init, s.init
			for k, o := range s.off {
				w := s.w[k]
				x := b[o : o+4 : o+4]
				s0 += w * x[0]
				s1 += w * x[1]
				s2 += w * x[2]
				s3 += w * x[3]
			}
			to := int(s.to[v]) + l
			c := s.c[to : to+4 : to+4]
			c[0], c[1], c[2], c[3] = s0, s1, s2, s3
		}
	}
}
