// Package features computes from sound what networks for speech and machines listen to: spectrograms, mel spectrograms, their logarithms and MFCC, as the definitions of
// torchaudio and of tf.signal have them. All arithmetic is in float64.
package features

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kind is what comes out.
type Kind string

const (
	Spectrogram Kind = "spectrogram" // |STFT|^power, n_fft/2+1 values in a frame
	Mel         Kind = "mel"         // sums of it over n_mels bands
	LogMel      Kind = "logmel"      // their logarithms
	MFCC        Kind = "mfcc"        // n_mfcc coefficients of the cosine transform of these
)

// Style says whose definitions are meant, where they differ.
type Style string

const (
	// Torchaudio is torchaudio.transforms: Spectrogram, MelSpectrogram and MFCC. A frame is n_fft samples, which the window of win stands in the
	// middle of; bands are triangles over hertz; the first coefficient of the orthonormal cosine transform is scaled as the others are by another factor.
	Torchaudio Style = "torchaudio"
	// TensorFlow is tf.signal: stft, linear_to_mel_weight_matrix and mfccs_from_log_mel_spectrograms. A frame is win samples, with zeros up to n_fft behind them; bands
	// are triangles over mel, without the lowest bin.
	TensorFlow Style = "tensorflow"
)

// Logarithms.
const (
	LogNone = "none"
	LogE    = "ln"    // ln(x + offset)
	LogDB   = "db"    // 10 log10(max(x, 1e-10)), at most top_db below the largest of the recording
	Log10   = "log10" // log10(x + offset)
)

// Spec says which features there are. Parse makes one; the zero value is none.
type Spec struct {
	Kind  Kind
	Style Style
	Rate  int // samples in a second
	FFT   int // samples of a transform, at least Window
	// Window is the length of the Hann window and Hop what lies between the beginnings of two frames, in samples.
	Window, Hop int
	// Center puts frame i around sample i*Hop: FFT/2 samples are reflected at both ends.
	Center          bool
	Power           float64
	Mels            int
	MinHz, MaxHz    float64
	Slaney          bool // the mel scale is that of Slaney's toolbox, not of HTK
	SlaneyNorm      bool // triangles have the same area, not the same height
	Log             string
	Offset          float64 // of LogE and Log10
	TopDB           float64 // 0 = none
	Coefficients    int     // of MFCC
	Mean, Deviation float64 // what comes out is (x - Mean) / Deviation
}

// Bounds of a description.
const (
	maxFFT  = 1 << 15
	maxMels = 1 << 10
	maxRate = 1 << 20
)

// dbFloor is the least that a logarithm in decibels is taken of.
const dbFloor = 1e-10

// Parse reads a description: KIND:key=value,key=value. Keys, with their defaults in the style torchaudio (tensorflow):
//
//	style=torchaudio    or tensorflow
//	rate=16000          samples in a second (sample_rate)
//	n_fft=400           samples of a transform (the power of two that holds win)
//	win=n_fft           length of the window (has to be given; win_length, frame_length)
//	hop=win/2           from frame to frame (has to be given; hop_length, frame_step)
//	center=true         frames around samples, with reflected ends (always false)
//	power=2             of the magnitudes (1)
//	n_mels=128          bands (20; num_mel_bins)
//	f_min=0             lowest frequency (125; lower_edge_hertz)
//	f_max=rate/2        highest frequency (3800; upper_edge_hertz)
//	mel_scale=htk       or slaney (always htk)
//	norm=none           or slaney (always none)
//	log=db              ln, log10, or db (ln)
//	offset=1e-6         that ln and log10 add
//	top_db=80           decibels below the largest at most, none for all; none in logmel (none)
//	n_mfcc=40           coefficients (13)
//	mean=0, std=1       what comes out is (x - mean) / std
func Parse(text string) (*Spec, error) {
	kind, rest, _ := strings.Cut(text, ":")
	s := &Spec{Kind: Kind(kind)}
	if !slices.Contains([]Kind{Spectrogram, Mel, LogMel, MFCC}, s.Kind) {
		return nil, fmt.Errorf("features %q: the kind is %q, want mfcc, logmel, mel or spectrogram", shorten(text), shorten(kind))
	}
	given := map[string]string{}
	for pair := range strings.SplitSeq(rest, ",") {
		if rest == "" {
			break
		}
		key, value, ok := strings.Cut(pair, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if other, known := otherNames[key]; known {
			key = other
		}
		switch {
		case !ok || value == "":
			return nil, fmt.Errorf("features: got %q, want KEY=VALUE", shorten(pair))
		case !slices.ContainsFunc(parameters, func(p parameter) bool { return p.key == key }):
			return nil, fmt.Errorf("features: there is no %q, want one of %s", shorten(key), keys())
		case given[key] != "":
			return nil, fmt.Errorf("features: %s is given twice", key)
		}
		given[key] = value
	}
	s.Style = Style(given["style"])
	if s.Style == "" {
		s.Style = Torchaudio
	}
	if s.Style != Torchaudio && s.Style != TensorFlow {
		return nil, fmt.Errorf("features: style is %q, want torchaudio or tensorflow", shorten(given["style"]))
	}
	for _, p := range parameters {
		if value, ok := given[p.key]; ok {
			if err := p.read(s, value); err != nil {
				return nil, fmt.Errorf("features: %s is %q, want %w", p.key, shorten(value), err)
			}
		}
	}
	for _, p := range parameters {
		if given[p.key] == "" {
			p.preset(s)
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// otherNames are those that torchaudio and tf.signal have for parameters.
var otherNames = map[string]string{
	"sample_rate": "rate", "win_length": "win", "frame_length": "win", "hop_length": "hop", "frame_step": "hop", "fft_length": "n_fft",
	"num_mel_bins": "n_mels", "lower_edge_hertz": "f_min", "upper_edge_hertz": "f_max",
}

// keys lists the keys for a message.
func keys() string {
	var list []string
	for _, p := range parameters {
		list = append(list, p.key)
	}
	return strings.Join(list, ", ")
}

// shorten cuts off what is too long for a message.
func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// check says what makes no sense.
func (s *Spec) check() error {
	high := s.MaxHz
	switch {
	case s.Style == TensorFlow && (s.Window == 0 || s.Hop == 0):
		return fmt.Errorf("features: win and hop (frame_length and frame_step of tf.signal.stft) have to be given")
	case s.Window < 1 || s.Window > s.FFT:
		return fmt.Errorf("features: the window is %d samples, want 1 to %d, those of the transform (n_fft)", s.Window, s.FFT)
	case s.FFT > maxFFT:
		return fmt.Errorf("features: the transform takes %d samples (n_fft), want at most %d", s.FFT, maxFFT)
	case s.Hop < 1 || s.Hop > maxFFT:
		return fmt.Errorf("features: frames are %d samples apart (hop), want 1 to %d", s.Hop, maxFFT)
	case s.Kind == Spectrogram:
	case !(s.MinHz >= 0 && s.MinHz < high):
		return fmt.Errorf("features: bands from %g to %g Hz, want 0 <= f_min < f_max", s.MinHz, high)
	case high > float64(s.Rate)/2:
		return fmt.Errorf("features: bands up to %g Hz (f_max), want at most %g, half the rate", high, float64(s.Rate)/2)
	case s.Kind == MFCC && s.Coefficients > s.Mels:
		return fmt.Errorf("features: %d coefficients (n_mfcc) of %d bands (n_mels), want at most as many", s.Coefficients, s.Mels)
	}
	if s.Style == TensorFlow && (s.Center || s.Slaney || s.SlaneyNorm || s.TopDB != 0) {
		return fmt.Errorf("features: tf.signal has no center, mel_scale, norm or top_db: say style=torchaudio")
	}
	return nil
}

// String is the description with all its parameters, which Parse reads.
func (s *Spec) String() string {
	var b strings.Builder
	b.WriteString(string(s.Kind))
	sep := byte(':')
	for _, p := range parameters {
		if p.only != nil && !slices.Contains(p.only, s.Kind) {
			continue
		}
		b.WriteByte(sep)
		b.WriteString(p.key + "=" + p.text(s))
		sep = ','
	}
	return b.String()
}

// Width is how many values a frame has.
func (s *Spec) Width() int {
	switch s.Kind {
	case Spectrogram:
		return s.FFT/2 + 1
	case MFCC:
		return s.Coefficients
	}
	return s.Mels
}

// Frames is how many frames so many samples have; 0 where they are too few for one.
func (s *Spec) Frames(samples int) int {
	switch {
	case s.Center && samples <= s.FFT/2:
		return 0 // nothing to reflect
	case s.Center:
		return 1 + (samples+2*(s.FFT/2)-s.FFT)/s.Hop
	case samples < s.frame():
		return 0
	}
	return 1 + (samples-s.frame())/s.Hop
}

// Samples is the least number of samples with so many frames.
func (s *Spec) Samples(frames int) int {
	if s.Center {
		return max(s.FFT/2+1, (frames-1)*s.Hop+s.FFT-2*(s.FFT/2))
	}
	return (frames-1)*s.Hop + s.frame()
}

// frame is how many samples a frame takes.
func (s *Spec) frame() int {
	if s.Style == TensorFlow {
		return s.Window
	}
	return s.FFT
}

// parameter is a key of a description.
type parameter struct {
	key    string
	preset func(s *Spec) // what it is without being given; those that are, and those before it, are known
	read   func(s *Spec, value string) error
	text   func(s *Spec) string
	only   []Kind // that it concerns; nil = all
}

var (
	banded = []Kind{Mel, LogMel, MFCC}
	logged = []Kind{LogMel, MFCC}
)

var parameters = []parameter{
	{"style", func(s *Spec) {}, func(s *Spec, v string) error { return nil }, func(s *Spec) string { return string(s.Style) }, nil},
	whole("rate", func(s *Spec) *int { return &s.Rate }, 1, maxRate, nil, func(s *Spec) int { return 16000 }),
	whole("n_fft", func(s *Spec) *int { return &s.FFT }, 1, maxFFT, nil, func(s *Spec) int {
		if s.Style == Torchaudio {
			return 400
		}
		n := 1
		for n < s.Window {
			n *= 2
		}
		return n
	}),
	whole("win", func(s *Spec) *int { return &s.Window }, 1, maxFFT, nil, func(s *Spec) int { return pick(s, s.FFT, 0) }),
	whole("hop", func(s *Spec) *int { return &s.Hop }, 1, maxFFT, nil, func(s *Spec) int { return pick(s, s.Window/2, 0) }),
	choice("center", func(s *Spec) *bool { return &s.Center }, "true", "false", nil, func(s *Spec) bool { return pick(s, true, false) }),
	number("power", func(s *Spec) *float64 { return &s.Power }, 0.1, 4, nil, func(s *Spec) float64 { return pick(s, 2.0, 1.0) }),
	whole("n_mels", func(s *Spec) *int { return &s.Mels }, 1, maxMels, banded, func(s *Spec) int { return pick(s, 128, 20) }),
	number("f_min", func(s *Spec) *float64 { return &s.MinHz }, 0, maxRate, banded, func(s *Spec) float64 { return pick(s, 0.0, 125) }),
	number("f_max", func(s *Spec) *float64 { return &s.MaxHz }, 0, maxRate, banded, func(s *Spec) float64 { return pick(s, float64(s.Rate/2), 3800) }),
	choice("mel_scale", func(s *Spec) *bool { return &s.Slaney }, "slaney", "htk", banded, func(s *Spec) bool { return false }),
	choice("norm", func(s *Spec) *bool { return &s.SlaneyNorm }, "slaney", "none", banded, func(s *Spec) bool { return false }),
	{"log", func(s *Spec) { s.Log = pick(s, LogDB, LogE) }, func(s *Spec, v string) error {
		if s.Log = v; !slices.Contains([]string{LogE, LogDB, Log10}, v) {
			return fmt.Errorf("ln, log10 or db")
		}
		return nil
	}, func(s *Spec) string { return s.Log }, logged},
	number("offset", func(s *Spec) *float64 { return &s.Offset }, 1e-30, 1e6, logged, func(s *Spec) float64 { return 1e-6 }),
	{"top_db", func(s *Spec) {
		if s.Style == Torchaudio && s.Kind == MFCC && s.Log == LogDB {
			s.TopDB = 80
		}
	}, func(s *Spec, v string) error {
		if v == "none" {
			return nil
		}
		return readReal(&s.TopDB, v, 1e-3, 1e4)
	}, func(s *Spec) string {
		if s.TopDB == 0 {
			return "none"
		}
		return realText(s.TopDB)
	}, logged},
	whole("n_mfcc", func(s *Spec) *int { return &s.Coefficients }, 1, maxMels, []Kind{MFCC}, func(s *Spec) int { return pick(s, 40, 13) }),
	number("mean", func(s *Spec) *float64 { return &s.Mean }, -1e30, 1e30, nil, func(s *Spec) float64 { return 0 }),
	number("std", func(s *Spec) *float64 { return &s.Deviation }, 1e-30, 1e30, nil, func(s *Spec) float64 { return 1 }),
}

// pick is what the style has.
func pick[T any](s *Spec, torch, tensorflow T) T {
	if s.Style == Torchaudio {
		return torch
	}
	return tensorflow
}

// whole is a parameter that is a whole number.
func whole(key string, at func(*Spec) *int, least, most int, only []Kind, preset func(*Spec) int) parameter {
	return parameter{key, func(s *Spec) { *at(s) = preset(s) },
		func(s *Spec, v string) error { return readWhole(at(s), v, least, most) },
		func(s *Spec) string { return strconv.Itoa(*at(s)) }, only}
}

func readWhole(to *int, v string, least, most int) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return fmt.Errorf("a whole number from %d to %d", least, most)
	}
	*to = n
	return nil
}

// number is a parameter that is a number.
func number(key string, at func(*Spec) *float64, least, most float64, only []Kind, preset func(*Spec) float64) parameter {
	return parameter{key, func(s *Spec) { *at(s) = preset(s) },
		func(s *Spec, v string) error { return readReal(at(s), v, least, most) },
		func(s *Spec) string { return realText(*at(s)) }, only}
}

func readReal(to *float64, v string, least, most float64) error {
	x, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(x) || x < least || x > most {
		return fmt.Errorf("a number from %g to %g", least, most)
	}
	*to = x
	return nil
}

func realText(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// choice is a parameter that is one of two words.
func choice(key string, at func(*Spec) *bool, yes, no string, only []Kind, preset func(*Spec) bool) parameter {
	return parameter{key, func(s *Spec) { *at(s) = preset(s) },
		func(s *Spec, v string) error {
			if v != yes && v != no {
				return fmt.Errorf("%s or %s", yes, no)
			}
			*at(s) = v == yes
			return nil
		},
		func(s *Spec) string {
			if *at(s) {
				return yes
			}
			return no
		}, only}
}
