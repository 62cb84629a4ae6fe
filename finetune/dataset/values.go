package dataset

import "qconv/quant"

// PixelValues tabulates preprocessing for a picture of so many channels: what a pixel 0..255 of each channel is to the network.
func PixelValues(p quant.Preprocess, channels int) ([][256]float32, error) {
	if err := p.Check(channels); err != nil {
		return nil, err
	}
	values := make([][256]float32, channels)
	for c := range values {
		for v := range values[c] {
			values[c][v] = float32(p.Apply(c, float64(v)))
		}
	}
	return values, nil
}

// ApplyPixels writes what pixels [C][plane] are to the network to dst.
func ApplyPixels(dst []float32, pixels []byte, values [][256]float32) {
	plane := len(pixels) / len(values)
	for c := range values {
		table := &values[c]
		row := dst[c*plane:][:plane]
		for i, v := range pixels[c*plane:][:plane] {
			row[i] = table[v]
		}
	}
}

// Preprocess lets [Set.Input] bring pixels of so many channels into the network's range, as p says. Sets of numbers stay as they are, and so are those of
// Further. Call it before the set is used or divided.
func (s *Set) Preprocess(p quant.Preprocess, channels int) error {
	if s.Kind != Pixels {
		return nil
	}
	values, err := PixelValues(p, channels)
	if err != nil {
		return s.fail("", "%w", err)
	}
	s.Values = values
	return nil
}

// Inputs are the sets for every input of the network: s and its Further.
func (s *Set) Inputs() []*Set { return append([]*Set{s}, s.Further...) }

// Shapes are the shapes of one sample for every input of the network.
func (s *Set) Shapes() (shapes [][]int) {
	for _, set := range s.Inputs() {
		shapes = append(shapes, set.Shape)
	}
	return shapes
}

// Input writes what enters the network of sample i to dst, one of [Set.Inputs] after the other, pixels as Values say.
func (s *Set) Input(i int, dst []float32) error {
	for _, set := range s.Inputs() {
		n := set.Elems()
		if err := set.Enter(i, dst[:n]); err != nil {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

// Enter writes what enters one input of the network of sample i to dst, which has Elems elements: that of s, without its Further.
func (s *Set) Enter(i int, dst []float32) error {
	if s.Values == nil {
		return s.Floats(i, dst)
	}
	pixels := make([]byte, s.Elems())
	if err := s.Pixels(i, pixels); err != nil {
		return err
	}
	ApplyPixels(dst, pixels, s.Values)
	return nil
}

// Label is the class index of sample i, or -1.
func (s *Set) Label(i int) int {
	if s.Labels == nil {
		return -1
	}
	return s.Labels[i]
}

// Target is what the network should deliver for sample i; nil where the data do not say it.
func (s *Set) Target(i int) []float32 {
	if s.Targets == nil {
		return nil
	}
	return s.Targets[i]
}
