package finetune

import (
	"fmt"
	"math/rand/v2"

	"qconv/onnx"
)

// AugmentConfig says how pictures vary from epoch to epoch. The zero value leaves them alone.
type AugmentConfig struct {
	// Shift moves a picture by up to that many pixels in both directions; what comes in
	// repeats its edge.
	Shift int
	// Crop cuts the picture out of itself with a border of that many mirrored pixels.
	Crop int
	// Flip mirrors left and right for every other picture.
	Flip bool
	// Seed decides all of that, with the epoch and the number of the sample.
	Seed uint64
}

// Augment varies data whose samples are pictures [C,H,W], for [Tune]. [Data.Input], labels and
// targets stay those of data.
func Augment(data Data, cfg AugmentConfig) (Data, error) {
	if cfg == (AugmentConfig{Seed: cfg.Seed}) {
		return data, nil
	}
	shapes := data.Shapes()
	if len(shapes) != 1 {
		return nil, fmt.Errorf("finetune: augmentation: samples are for %d inputs, want 1 that is a picture", len(shapes))
	}
	shape := shapes[0]
	if len(shape) != 3 || shape[1] < 2 || shape[2] < 2 {
		return nil, fmt.Errorf("finetune: augmentation: samples have shape %v, want pictures [C,H,W]", onnx.Shape(shape))
	}
	most := min(shape[1], shape[2]) - 1
	var p problems
	p.check(cfg.Shift >= 0 && cfg.Shift <= most, "shift: got %d pixels, want 0..%d for samples of shape %v", cfg.Shift, most, onnx.Shape(shape))
	p.check(cfg.Crop >= 0 && cfg.Crop <= most, "crop: got %d pixels, want 0..%d for samples of shape %v", cfg.Crop, most, onnx.Shape(shape))
	if err := p.err("finetune: augmentation"); err != nil {
		return nil, err
	}
	return &augmented{Data: data, cfg: cfg, channels: shape[0], height: shape[1], width: shape[2]}, nil
}

// augmented are [Varying] data.
type augmented struct {
	Data
	cfg                     AugmentConfig
	channels, height, width int
}

// Target is that of the data, which may have none.
func (a *augmented) Target(i int) []float32 {
	if t := targetsOf(a.Data); t != nil {
		return t.Target(i)
	}
	return nil
}

// StepLabel are those of the data, which may have none.
func (a *augmented) StepLabel(i int) []int {
	if s := steppedOf(a.Data); s != nil {
		return s.StepLabel(i)
	}
	return nil
}

// InputIn reads every pixel from where it comes from: rows and columns are chosen one by one.
func (a *augmented) InputIn(epoch, i int, dst []float32) error {
	src := make([]float32, len(dst))
	if err := a.Input(i, src); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(a.cfg.Seed, uint64(epoch)<<32|uint64(i)))
	rows, columns := a.axis(rng, a.height), a.axis(rng, a.width)
	if a.cfg.Flip && rng.IntN(2) == 1 {
		for l, r := 0, a.width-1; l < r; l, r = l+1, r-1 {
			columns[l], columns[r] = columns[r], columns[l]
		}
	}
	at := 0
	for c := range a.channels {
		for _, y := range rows {
			row := src[(c*a.height+y)*a.width:][:a.width]
			for _, x := range columns {
				dst[at] = row[x]
				at++
			}
		}
	}
	return nil
}

// axis says where n rows or columns come from.
func (a *augmented) axis(rng *rand.Rand, n int) []int {
	between := func(most int) int { return rng.IntN(2*most+1) - most }
	crop, shift := between(a.cfg.Crop), between(a.cfg.Shift)
	from := make([]int, n)
	for i := range from {
		k := min(max(i+shift, 0), n-1) + crop
		if k < 0 {
			k = -k
		}
		if k >= n {
			k = 2*(n-1) - k
		}
		from[i] = k
	}
	return from
}
