package runtime

import (
	"math"
	"testing"
)

func TestScale(t *testing.T) {
	tests := []struct {
		f float64
		s Scale
	}{
		{0, Scale{}},
		{-1, Scale{}},
		{math.NaN(), Scale{}},
		{math.Inf(1), Scale{}},
		{1, Scale{1 << 31, -31}},
		{0.5, Scale{1 << 31, -32}},
		{3, Scale{3 << 30, -30}},
		{1. / 3, Scale{0xAAAAAAAB, -33}},
		{math.Nextafter(2, 1), Scale{1 << 31, -30}},
		{math.SmallestNonzeroFloat64, Scale{1 << 31, -1074 - 31}},
		{math.MaxFloat64, Scale{1 << 31, 1024 - 31}},
	}
	for _, tt := range tests {
		if got := ScaleOf(tt.f); got != tt.s {
			t.Errorf("ScaleOf(%g) = %v, want %v", tt.f, got, tt.s)
		}
	}
	for _, f := range []float32{1, 0.1, 1e-38, math.SmallestNonzeroFloat32, math.MaxFloat32, 255, 1. / 255} {
		if got := ScaleOf(float64(f)).Float(); got != float64(f) {
			t.Errorf("%g becomes %g on the way through a Scale", f, got)
		}
	}
}
