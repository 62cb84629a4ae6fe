package picture

import (
	"fmt"
	"image"
)

// Resize stretches the picture in src, [channels][H][W] bytes with from = {H, W}, to the size to, in dst. It is the triangle filter,
// wide enough to cover every pixel where it shrinks, that other libraries call bilinear with antialiasing, first along
// rows and then along columns, in whole numbers: the same on every machine. Along an axis of n pixels that become m,
//
//	out[i] = (sum over k of w[k] * in[k]) / (sum over k of w[k]), rounded to the nearest, halves up
//	w[k]   = max(0, 2*max(n, m) - |(2*k+1)*m - (2*i+1)*n|),  0 <= k < n
//
// It fails where the sizes do not fit the slices.
func Resize(dst, src []byte, channels int, from, to [2]int) error {
	for _, size := range [2][2]int{from, to} {
		if min(size[0], size[1]) < 1 || max(size[0], size[1]) > MaxSide {
			return fmt.Errorf("a picture of %dx%d pixels, want 1 to %d along each side", size[1], size[0], MaxSide)
		}
	}
	if len(src) != channels*from[0]*from[1] || len(dst) != channels*to[0]*to[1] {
		return fmt.Errorf("%d and %d bytes, want %d channels of %v and %v rows and columns", len(src), len(dst), channels, from, to)
	}
	between := make([]byte, channels*from[0]*to[1])
	columns, rows := newFilter(from[1], to[1]), newFilter(from[0], to[0])
	for y := range channels * from[0] {
		line := src[y*from[1]:][:from[1]]
		for x, t := range columns {
			sum := t.total / 2
			for k, w := range t.weights {
				sum += w * uint64(line[t.first+k])
			}
			between[y*to[1]+x] = byte(sum / t.total)
		}
	}
	sums := make([]uint64, to[1])
	for c := range channels {
		for y, t := range rows {
			for x := range sums {
				sums[x] = t.total / 2
			}
			for k, w := range t.weights {
				for x, v := range between[(c*from[0]+t.first+k)*to[1]:][:to[1]] {
					sums[x] += w * uint64(v)
				}
			}
			for x, sum := range sums {
				dst[(c*to[0]+y)*to[1]+x] = byte(sum / t.total)
			}
		}
	}
	return nil
}

// Fit writes img to dst as [Planes] does, for the shape {channels, rows, columns}, to which it is stretched by [Resize].
func Fit(dst []byte, img image.Image, shape [3]int) error {
	b := img.Bounds()
	from, to := [2]int{b.Dy(), b.Dx()}, [2]int{shape[1], shape[2]}
	if from == to {
		return Planes(dst, img, shape[0])
	}
	planes := make([]byte, shape[0]*from[0]*from[1])
	if err := Planes(planes, img, shape[0]); err != nil {
		return err
	}
	return Resize(dst, planes, shape[0], from, to)
}

// FitMemory is how many bytes Fit takes at most for a picture that it stretches, beside what decoding took.
func FitMemory(c image.Config, shape [3]int) int64 {
	taps := func(n, m int) int64 { return 64*int64(m) + 8*(2*int64(max(n, m))+2*int64(m)) }
	rows := int64(shape[0]) * int64(c.Height)
	return rows*int64(c.Width) + rows*int64(shape[2]) + 8*int64(shape[2]) + taps(c.Height, shape[1]) + taps(c.Width, shape[2])
}

// filterTaps are the weights of a pixel: those of the pixels from first on.
type filterTaps struct {
	first   int
	weights []uint64
	total   uint64
}

// newFilter finds the weights of m pixels that n become.
func newFilter(n, m int) []filterTaps {
	filter := make([]filterTaps, m)
	reach := 2 * max(n, m)
	for i := range filter {
		t := &filter[i]
		at := (2*i + 1) * n
		// |(2*k+1)*m - at| < reach
		t.first = max(0, (at-reach+m)/(2*m))
		last := min(n-1, (at+reach-m+2*m-1)/(2*m))
		t.weights = make([]uint64, 0, last-t.first+1)
		for k := t.first; k <= last; k++ {
			away := (2*k+1)*m - at
			w := uint64(max(0, reach-max(away, -away)))
			t.weights = append(t.weights, w)
			t.total += w
		}
	}
	return filter
}
