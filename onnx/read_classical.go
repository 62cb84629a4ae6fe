package onnx

// Converters of scikit-learn put operators of classical machine learning around a network: those that are arithmetic are read
// as it.

// sayScaler is (x - offset) * scale, each one number or one for every feature.
func sayScaler(r *nodeReader, s *spelling) *Value {
	offset, scale := r.floats("offset"), r.floats("scale")
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	x := r.in[0]
	if len(x.Shape) == 0 {
		r.failf("input without dimensions")
		return nil
	}
	if x.Type != Float {
		x = s.add(&Cast{To: Float}, x)
	}
	row := func(v []float64, name string) *Value {
		if n := x.Shape[len(x.Shape)-1]; len(v) != 1 && len(v) != n {
			r.failf("attribute %q has %d numbers, want 1 or %d", name, len(v), n)
			return nil
		}
		t := &Tensor{Type: Float, Shape: Shape{len(v)}}
		for _, f := range v {
			t.Floats = append(t.Floats, float32(f))
		}
		return s.constant(t)
	}
	if offset != nil {
		if c := row(offset, "offset"); c != nil {
			x = s.add(&Sub{}, x, c)
		}
	}
	if scale != nil {
		if c := row(scale, "scale"); c != nil {
			x = s.add(&Mul{}, x, c)
		}
	}
	return x
}

// sayNormalizer divides rows by their largest element, the sum of their magnitudes, or their length.
func sayNormalizer(r *nodeReader, s *spelling) *Value {
	norm := r.text("norm", "MAX")
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	x := r.in[0]
	if len(x.Shape) == 0 || x.Shape[len(x.Shape)-1] == Batch {
		r.failf("input %v, want rows of features", x.Shape)
		return nil
	}
	axis := len(x.Shape) - 1
	switch norm {
	case "L1":
		return s.add(&LpNormalization{Axis: axis, P: 1}, x)
	case "L2":
		return s.add(&LpNormalization{Axis: axis, P: 2}, x)
	case "MAX":
		return s.add(&Div{}, x, s.add(&Reduce{Kind: ReduceMax, Axes: []int{axis}, KeepDims: true}, x))
	}
	r.failf("norm is %q", norm)
	return nil
}

// sayZipMap names scores; the names are not part of a network.
func sayZipMap(r *nodeReader, s *spelling) *Value {
	r.ignore("classlabels_int64s", "classlabels_strings")
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	return s.add(&Identity{}, r.in[0])
}
