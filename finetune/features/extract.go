package features

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Extractor computes features. Its methods are safe for concurrent use.
type Extractor struct {
	Spec
	window  []float64
	bands   []band
	cosines []float64
	works   sync.Pool // of *work
}

// work is what the computation of a frame needs.
type work struct {
	fft    *fourier.FFT
	frame  []float64
	bins   []complex128
	powers []float64
}

// New prepares for the features that a description says.
func New(spec *Spec) *Extractor {
	e := &Extractor{Spec: *spec, window: spec.hann()}
	if e.Kind != Spectrogram {
		e.bands = spec.bands()
	}
	if e.Kind == MFCC {
		e.cosines = spec.cosines()
	}
	e.works.New = func() any {
		return &work{fourier.NewFFT(e.FFT), make([]float64, e.FFT), make([]complex128, e.FFT/2+1), make([]float64, e.FFT/2+1)}
	}
	return e
}

// Compute returns the frames [from, to) of samples, which are -1..1: one after the other, Width values each. There are as many as Frames
// says of all samples, which have to be there whichever frames are wanted.
func (e *Extractor) Compute(samples []float32, from, to int) ([]float32, error) {
	if n := e.Frames(len(samples)); from < 0 || to > n || from > to {
		return nil, fmt.Errorf("features: frames %d to %d of %d samples, which have %d", from, to, len(samples), n)
	}
	first, last := from, to
	if e.TopDB != 0 {
		first, last = 0, e.Frames(len(samples)) // the largest value counts, wherever it is
	}
	w := e.works.Get().(*work)
	defer e.works.Put(w)
	n := e.FFT/2 + 1
	if e.Kind != Spectrogram {
		n = e.Mels
	}
	values := make([]float64, (last-first)*n)
	for i := first; i < last; i++ {
		row := values[(i-first)*n:][:n]
		e.powers(w, samples, i)
		if e.Kind == Spectrogram {
			copy(row, w.powers)
			continue
		}
		for m, b := range e.bands {
			sum := 0.0
			for k, weight := range b.weights {
				sum += weight * w.powers[b.first+k]
			}
			row[m] = sum
		}
	}
	e.logarithms(values)
	return e.results(values[(from-first)*n:][:(to-from)*n], n), nil
}

// powers computes the spectrum of frame i.
func (e *Extractor) powers(w *work, samples []float32, i int) {
	clear(w.frame)
	at, offset := i*e.Hop, 0 // of the first sample under the window, and of the window in the frame
	if e.Style == Torchaudio {
		offset = (e.FFT - e.Window) / 2
		at += offset
	}
	if e.Center {
		at -= e.FFT / 2
	}
	for k, weight := range e.window {
		w.frame[offset+k] = weight * float64(samples[reflect(at+k, len(samples))])
	}
	w.fft.Coefficients(w.bins, w.frame)
	for k, c := range w.bins {
		magnitude2 := square(c)
		switch e.Power {
		case 2:
			w.powers[k] = magnitude2
		case 1:
			w.powers[k] = math.Sqrt(magnitude2)
		default:
			w.powers[k] = math.Pow(magnitude2, e.Power/2)
		}
	}
}

// square is the square of a magnitude.
func square(c complex128) float64 { return real(c)*real(c) + imag(c)*imag(c) }

// reflect is a position within n samples, which are mirrored at both ends without repeating the last one.
func reflect(i, n int) int {
	if i < 0 {
		return -i
	}
	if i >= n {
		return 2*(n-1) - i
	}
	return i
}

// logarithms takes the logarithms of all values of a recording.
func (e *Extractor) logarithms(values []float64) {
	if e.Kind == Spectrogram || e.Kind == Mel {
		return
	}
	largest := math.Inf(-1)
	for i, v := range values {
		switch e.Log {
		case LogE:
			values[i] = math.Log(v + e.Offset)
		case Log10:
			values[i] = math.Log10(v + e.Offset)
		default:
			values[i] = 10 * math.Log10(math.Max(v, dbFloor))
		}
		largest = math.Max(largest, values[i])
	}
	if e.TopDB != 0 {
		for i, v := range values {
			values[i] = math.Max(v, largest-e.TopDB)
		}
	}
}

// results makes what comes out of rows of n values.
func (e *Extractor) results(values []float64, n int) []float32 {
	out := make([]float32, 0, len(values)/n*e.Width())
	add := func(v float64) { out = append(out, float32((v-e.Mean)/e.Deviation)) }
	if e.Kind != MFCC {
		for _, v := range values {
			add(v)
		}
		return out
	}
	for ; len(values) > 0; values = values[n:] {
		for k := range e.Coefficients {
			sum := 0.0
			for m, c := range e.cosines[k*n:][:n] {
				sum += c * values[m]
			}
			add(sum)
		}
	}
	return out
}
