package features

import (
	"math"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"
)

// reference is what testdata/reference.py computed: samples, and the features of each description.
func reference(t *testing.T) (samples []float32, cases map[string][]float64, frames map[string]int) {
	t.Helper()
	f, err := npz.Open("testdata/reference.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read := func(key string, to any) {
		if err := f.Read(key+".npy", to); err != nil {
			t.Fatal(err)
		}
	}
	var pcm []int16
	var names []uint8
	read("samples", &pcm)
	read("names", &names)
	for _, v := range pcm {
		samples = append(samples, float32(v)/32768)
	}
	cases, frames = map[string][]float64{}, map[string]int{}
	for i, name := range strings.Split(string(names), "\n") {
		key := "case" + string(rune('0'+i%10))
		if i >= 10 {
			key = "case1" + string(rune('0'+i-10))
		}
		var values []float64
		read(key, &values)
		cases[name], frames[name] = values, f.Header(key + ".npy").Descr.Shape[0]
	}
	return samples, cases, frames
}

func TestReference(t *testing.T) {
	samples, cases, frames := reference(t)
	if len(cases) < 11 {
		t.Fatalf("%d cases", len(cases))
	}
	for name, want := range cases {
		spec, err := Parse(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := spec.Frames(len(samples))
		if n != frames[name] || n*spec.Width() != len(want) {
			t.Errorf("%s: %d frames of %d, want %d with %d values in all", name, n, spec.Width(), frames[name], len(want))
			continue
		}
		e := New(spec)
		got, err := e.Compute(samples, 0, n)
		if err != nil {
			t.Fatal(err)
		}
		largest := 0.0
		for _, v := range want {
			largest = math.Max(largest, math.Abs(v))
		}
		for i, v := range want {
			if math.Abs(float64(got[i])-v) > 1e-6*largest {
				t.Errorf("%s: value %d of frame %d is %v, want %v", name, i%spec.Width(), i/spec.Width(), got[i], v)
				break
			}
		}
		part, err := e.Compute(samples, 2, 4)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range part {
			if v != got[2*spec.Width()+i] {
				t.Errorf("%s: frames 2 and 3 alone differ from those of all", name)
				break
			}
		}
	}
}

func TestFrames(t *testing.T) {
	for _, text := range []string{"mfcc:n_fft=64,hop=10", "mfcc:n_fft=63,hop=7", "mel:n_fft=64,hop=16,center=false", "mel:style=tensorflow,win=48,hop=32", "spectrogram:style=tensorflow,win=255,hop=128"} {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for frames := 1; frames < 40; frames++ {
			n := s.Samples(frames)
			if got := s.Frames(n); got < frames || frames > 8 && got != frames {
				t.Errorf("%s: %d samples have %d frames, want %d", text, n, got, frames)
			}
			if got := s.Frames(n - 1); got >= frames {
				t.Errorf("%s: %d samples have %d frames, want less than %d", text, n-1, got, frames)
			}
		}
		x := make([]float32, s.Samples(5))
		if _, err := New(s).Compute(x, 0, s.Frames(len(x))); err != nil {
			t.Error(err)
		}
		if _, err := New(s).Compute(x, 0, s.Frames(len(x))+1); err == nil {
			t.Error("more frames than there are")
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range [][2]string{
		{"mfcc", "mfcc:style=torchaudio,rate=16000,n_fft=400,win=400,hop=200,center=true,power=2,n_mels=128,f_min=0,f_max=8000,mel_scale=htk,norm=none,log=db,offset=1e-06,top_db=80,n_mfcc=40,mean=0,std=1"},
		{"logmel: sample_rate=8000, win_length=256 ,n_mels=64", "logmel:style=torchaudio,rate=8000,n_fft=400,win=256,hop=128,center=true,power=2,n_mels=64,f_min=0,f_max=4000,mel_scale=htk,norm=none,log=db,offset=1e-06,top_db=none,mean=0,std=1"},
		{"mfcc:style=tensorflow,win=480,hop=320", "mfcc:style=tensorflow,rate=16000,n_fft=512,win=480,hop=320,center=false,power=1,n_mels=20,f_min=125,f_max=3800,mel_scale=htk,norm=none,log=ln,offset=1e-06,top_db=none,n_mfcc=13,mean=0,std=1"},
		{"spectrogram:style=tensorflow,frame_length=255,frame_step=128", "spectrogram:style=tensorflow,rate=16000,n_fft=256,win=255,hop=128,center=false,power=1,mean=0,std=1"},
	} {
		s, err := Parse(c[0])
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if s.String() != c[1] {
			t.Errorf("%s is\n%s, want\n%s", c[0], s, c[1])
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%s read again is %v, %v", s, again, err)
		}
	}
	for _, c := range [][2]string{
		{"", `the kind is "", want mfcc, logmel, mel or spectrogram`},
		{"plp:rate=1", `the kind is "plp"`},
		{"mfcc:rate", `got "rate", want KEY=VALUE`},
		{"mfcc:rate=", `got "rate=", want KEY=VALUE`},
		{"mfcc:mels=40", `there is no "mels", want one of style, rate, n_fft`},
		{"mfcc:hop=1,hop_length=2", "hop is given twice"},
		{"mfcc:style=librosa", `style is "librosa", want torchaudio or tensorflow`},
		{"mfcc:rate=x", `rate is "x", want a whole number from 1 to 1048576`},
		{"mfcc:n_fft=1000000", `n_fft is "1000000", want a whole number from 1 to 32768`},
		{"mfcc:win=401", "the window is 401 samples, want 1 to 400, those of the transform (n_fft)"},
		{"mfcc:f_min=NaN", `f_min is "NaN", want a number from 0`},
		{"mfcc:f_max=9000", "bands up to 9000 Hz (f_max), want at most 8000, half the rate"},
		{"mfcc:f_min=8000", "bands from 8000 to 8000 Hz, want 0 <= f_min < f_max"},
		{"mfcc:n_mels=20", "40 coefficients (n_mfcc) of 20 bands (n_mels), want at most as many"},
		{"mfcc:center=yes", `center is "yes", want true or false`},
		{"mfcc:log=log2", `log is "log2", want ln, log10 or db`},
		{"mfcc:top_db=-1", `top_db is "-1", want a number from 0.001`},
		{"mfcc:std=0", `std is "0", want a number from`},
		{"mfcc:n_fft=1", "frames are 0 samples apart (hop), want 1 to 32768"},
		{"mfcc:style=tensorflow", "win and hop (frame_length and frame_step of tf.signal.stft) have to be given"},
		{"mfcc:style=tensorflow,win=480,hop=320,center=true", "tf.signal has no center, mel_scale, norm or top_db: say style=torchaudio"},
	} {
		if _, err := Parse(c[0]); err == nil || !strings.HasPrefix(err.Error(), "features") || !strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c[0], err, c[1])
		}
	}
}

// FuzzParse demands that what is read can be said again, and computes.
func FuzzParse(f *testing.F) {
	f.Add("mfcc:style=tensorflow,win=480,hop=320")
	f.Add("logmel:n_fft=64,win=33,hop=7,mel_scale=slaney,norm=slaney")
	f.Add("spectrogram:n_fft=2,hop=1,power=1.5")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q", err)
			}
			return
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%s read again: %v, %v", s, again, err)
		}
		if s.FFT > 1<<10 {
			return
		}
		x := make([]float32, s.Samples(2))
		x[0] = 1
		got, err := New(s).Compute(x, 0, 2)
		if err != nil || len(got) != 2*s.Width() {
			t.Fatalf("%s: %d values, %v", s, len(got), err)
		}
		for _, v := range got {
			if math.IsNaN(float64(v)) {
				t.Fatalf("%s: %v", s, got)
			}
		}
	})
}
