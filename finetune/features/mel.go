package features

import "math"

// band is a row of the matrix that makes bands of bins: weights of the bins from first on.
type band struct {
	first   int
	weights []float64
}

// bands are the triangles of a description: torchaudio.functional.melscale_fbanks, or tf.signal.linear_to_mel_weight_matrix.
func (s *Spec) bands() []band {
	bins := s.FFT/2 + 1
	low, high := s.toMel(s.MinHz), s.toMel(s.MaxHz)
	// edges are the ends and centres of the triangles, in hertz or mel, as the style draws them.
	edges := make([]float64, s.Mels+2)
	for i := range edges {
		mel := low + (high-low)*float64(i)/float64(s.Mels+1)
		if edges[i] = mel; s.Style == Torchaudio {
			edges[i] = s.toHertz(mel)
		}
	}
	// at is where a bin lies on that axis.
	at := func(bin int) float64 {
		if s.Style == TensorFlow {
			return s.toMel(float64(s.Rate) / 2 * float64(bin) / float64(bins-1))
		}
		return float64(s.Rate/2) * float64(bin) / float64(max(bins-1, 1))
	}
	start := 0
	if s.Style == TensorFlow {
		start = 1
	}
	list := make([]band, s.Mels)
	for m := range list {
		left, centre, right := edges[m], edges[m+1], edges[m+2]
		scale := 1.0
		if s.SlaneyNorm {
			scale = 2 / (right - left)
		}
		for bin := start; bin < bins; bin++ {
			x := at(bin)
			w := scale * math.Max(0, math.Min((x-left)/(centre-left), (right-x)/(right-centre)))
			b := &list[m]
			switch {
			case w > 0 && len(b.weights) == 0:
				b.first, b.weights = bin, []float64{w}
			case w > 0:
				b.weights = append(b.weights, w)
			}
		}
	}
	return list
}

// Slaney's scale is linear up to breakHz and logarithmic above.
const (
	breakHz     = 1000.0
	melPerHertz = 3.0 / 200
	breakMel    = breakHz * melPerHertz
)

var logStep = math.Log(6.4) / 27

// toMel is a frequency in mel.
func (s *Spec) toMel(hertz float64) float64 {
	switch {
	case !s.Slaney && s.Style == TensorFlow:
		return 1127 * math.Log(1+hertz/700)
	case !s.Slaney:
		return 2595 * math.Log10(1+hertz/700)
	case hertz < breakHz:
		return hertz * melPerHertz
	}
	return breakMel + math.Log(hertz/breakHz)/logStep
}

// toHertz is the inverse of toMel, for the style that needs it.
func (s *Spec) toHertz(mel float64) float64 {
	switch {
	case !s.Slaney:
		return 700 * (math.Pow(10, mel/2595) - 1)
	case mel < breakMel:
		return mel / melPerHertz
	}
	return breakHz * math.Exp(logStep*(mel-breakMel))
}

// cosines is the matrix of the cosine transform (DCT-II) that makes coefficients of bands, one row after the other. torchaudio's is orthonormal; tf.signal scales the
// first coefficient as all others.
func (s *Spec) cosines() []float64 {
	n := float64(s.Mels)
	out := make([]float64, 0, s.Coefficients*s.Mels)
	for k := range s.Coefficients {
		scale := math.Sqrt(2 / n)
		if k == 0 && s.Style == Torchaudio {
			scale = math.Sqrt(1 / n)
		}
		for m := range s.Mels {
			out = append(out, scale*math.Cos(math.Pi/n*(float64(m)+0.5)*float64(k)))
		}
	}
	return out
}

// hann is the window: the periodic one of torch.hann_window, or that of tf.signal.hann_window, which is periodic for even lengths and symmetric for odd ones.
func (s *Spec) hann() []float64 {
	period := s.Window
	if s.Style == TensorFlow {
		period -= s.Window % 2
	}
	w := make([]float64, s.Window)
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(period))
	}
	if s.Window == 1 {
		w[0] = 1
	}
	return w
}
