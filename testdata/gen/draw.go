package main

import (
	"image"
	"image/draw"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// side is the width and the height of an image in pixels.
const side = 28

// greys is the number of grey levels in use, spread evenly over 0..255. Few levels keep the
// compressed files small.
const greys = 12

// Streams of random numbers: image i of a set is drawn from stream + i.
const (
	trainStream = 1 << 32
	testStream  = 2 << 32
)

// drawSet draws count images of one set. Every ten images from the first hold each digit
// once, in random order. A larger count continues the same images.
// images: [count][side][side] grey levels, labels: [count] digits.
func drawSet(fonts []digits, seed, stream uint64, count int) (images, labels []byte) {
	images = make([]byte, 0, count*side*side)
	labels = make([]byte, 0, count)
	var order []int
	for i := range count {
		r := random{rand.New(rand.NewPCG(seed, stream+uint64(i)))}
		if i%10 == 0 {
			order = r.Perm(10)
		}
		digit := order[i%10]
		images = append(images, drawDigit(r, fonts[r.IntN(len(fonts))][digit])...)
		labels = append(labels, byte(digit))
	}
	return images, labels
}

// drawDigit draws one digit, distorted, with clutter and noise: [side][side] grey levels.
func drawDigit(r random, digit outline) []byte {
	middle := point{side/2 + r.within(-2.5, 2.5), side/2 + r.within(-2.5, 2.5)}
	move := r.affine()
	bend := r.elastic(0.045)
	shape := make(outline, len(digit))
	for i, polygon := range digit {
		for _, p := range polygon {
			p = move.apply(bend.apply(p))
			shape[i] = append(shape[i], point{p.x + middle.x, p.y + middle.y})
		}
	}
	ink := r.shade(0.4, 1)
	light := make([]float64, side*side)
	for i, c := range cover(shape) {
		light[i] = mul(c, ink.at(i))
	}
	for range r.IntN(3) { // strokes behind the digit
		ink := r.shade(0.3, 0.8)
		for i, c := range cover(r.stroke(0.8, 1.8)) {
			light[i] = max(light[i], mul(c, ink.at(i)))
		}
	}
	for range r.IntN(5) { // dots
		ink := r.shade(0.3, 1)
		for i, c := range cover(r.dot(0.6, 1.5)) {
			light[i] = max(light[i], mul(c, ink.at(i)))
		}
	}
	for range r.IntN(2) { // scratches through it
		for i, c := range cover(r.stroke(0.8, 1.6)) {
			light[i] = mul(light[i], 1-c)
		}
	}
	noise := r.within(0, 0.07)
	pixels := make([]byte, side*side)
	for i, v := range light {
		v += mul(noise, r.NormFloat64())
		level := math.Round(mul(min(max(v, 0), 1), greys-1))
		pixels[i] = byte(math.Round(level * 255 / (greys - 1)))
	}
	return pixels
}

// cover returns which share of every pixel, 0..1, lies inside the outline.
func cover(o outline) []float64 {
	z := vector.NewRasterizer(side, side)
	for _, polygon := range o {
		for i, p := range polygon {
			if i == 0 {
				z.MoveTo(float32(p.x), float32(p.y))
			} else {
				z.LineTo(float32(p.x), float32(p.y))
			}
		}
		z.ClosePath()
	}
	mask := image.NewAlpha(image.Rect(0, 0, side, side))
	z.DrawOp = draw.Src
	z.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	shares := make([]float64, side*side)
	for i, a := range mask.Pix {
		shares[i] = float64(a) / 255
	}
	return shares
}
