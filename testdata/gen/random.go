package main

import (
	"math"
	"math/rand/v2"
)

// random makes the random choices of one image.
type random struct{ *rand.Rand }

// within returns a number in [low, high).
func (r random) within(low, high float64) float64 { return low + mul(high-low, r.Float64()) }

// affine is the linear map x' = xx*x + xy*y, y' = yx*x + yy*y.
type affine struct{ xx, xy, yx, yy float64 }

// affine chooses a digit's height in pixels, its width, slant and rotation.
func (r random) affine() affine {
	height := r.within(15, 21)
	width := mul(height, r.within(0.8, 1.25))
	slant := mul(height, r.within(-0.25, 0.25))
	sin, cos := math.Sincos(r.within(-0.3, 0.3))
	return affine{
		xx: mul(cos, width), xy: mul(cos, slant) - mul(sin, height),
		yx: mul(sin, width), yy: mul(sin, slant) + mul(cos, height),
	}
}

func (a affine) apply(p point) point {
	return point{mul(a.xx, p.x) + mul(a.xy, p.y), mul(a.yx, p.x) + mul(a.yy, p.y)}
}

// elastic is a smooth displacement field: a sum of plane waves.
type elastic [3]wave

// wave moves a point by size * sin(frequency . p + phase).
type wave struct {
	size, frequency point
	phase           float64
}

// elastic chooses a field whose waves have amplitudes up to size, as a part of the digit's
// height, and lengths from about 0.6 of that height upwards.
func (r random) elastic(size float64) elastic {
	var e elastic
	for i := range e {
		e[i] = wave{
			size:      point{r.within(-size, size), r.within(-size, size)},
			frequency: point{r.within(-7, 7), r.within(-7, 7)},
			phase:     r.within(0, 2*math.Pi),
		}
	}
	return e
}

func (e elastic) apply(p point) point {
	moved := p
	for _, w := range e {
		s := math.Sin(mul(w.frequency.x, p.x) + mul(w.frequency.y, p.y) + w.phase)
		moved.x += mul(w.size.x, s)
		moved.y += mul(w.size.y, s)
	}
	return moved
}

// shade is a brightness that changes evenly over the image.
type shade struct{ middle, right, down float64 }

// shade chooses a brightness in [low, high) in the middle of the image, up to 0.25 more or
// less at either side and at top or bottom.
func (r random) shade(low, high float64) shade {
	return shade{r.within(low, high), r.within(-0.25, 0.25), r.within(-0.25, 0.25)}
}

// at returns the brightness of pixel i, clipped to 0.2..1.
func (s shade) at(i int) float64 {
	x := float64(i%side)/(side/2) - 1
	y := float64(i/side)/(side/2) - 1
	return min(max(s.middle+mul(s.right, x)+mul(s.down, y), 0.2), 1)
}

// stroke chooses a straight line of 4 to 16 pixels length and of a width in [thin, thick).
func (r random) stroke(thin, thick float64) outline {
	x, y := r.within(0, side), r.within(0, side)
	half := r.within(2, 8)
	sin, cos := math.Sincos(r.within(0, math.Pi))
	lx, ly := mul(cos, half), mul(sin, half)
	w := r.within(thin, thick) / 2
	wx, wy := mul(-sin, w), mul(cos, w)
	return outline{{
		{x - lx - wx, y - ly - wy}, {x + lx - wx, y + ly - wy},
		{x + lx + wx, y + ly + wy}, {x - lx + wx, y - ly + wy},
	}}
}

// dot chooses a round spot with a radius in [small, large) pixels.
func (r random) dot(small, large float64) outline {
	const corners = 12
	x, y, radius := r.within(0, side), r.within(0, side), r.within(small, large)
	spot := make([]point, corners)
	for i := range spot {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		spot[i] = point{x + mul(radius, cos), y + mul(radius, sin)}
	}
	return outline{spot}
}
