package dataset

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"qconv/finetune/features"
)

// waveFile is a WAV file of 16-bit samples.
func waveFile(rate, channels int, samples ...int16) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00")
	data := little(samples...)
	for _, v := range []any{uint16(channels), uint32(rate), uint32(2 * rate * channels), uint16(2 * channels), uint16(16)} {
		binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, uint32(len(data)))
	b.Write(data)
	return b.Bytes()
}

// tone are samples that rise from first on.
func tone(n, first int) []int16 {
	s := make([]int16, n)
	for i := range s {
		s[i] = int16(256 * (first + i))
	}
	return s
}

func extractor(t testing.TB, text string) *features.Extractor {
	t.Helper()
	spec, err := features.Parse(text)
	must(t, err)
	return features.New(spec)
}

func TestWaves(t *testing.T) {
	fs := files{"no/a.wav": waveFile(16000, 1, tone(8, 0)...), "no/b.wav": waveFile(16000, 1, tone(8, 10)...), "yes/c.wav": waveFile(16000, 1, tone(6, 20)...)}
	for _, path := range []string{fs.folder(t), fs.zip(t, 8)} {
		for _, cache := range []int64{0, -1} {
			s := open(t, path, Options{Shape: []int{1, 6}, CacheBytes: cache, Sequence: Sequence{Window: 6, Hop: 2}})
			var names []string
			for i := range s.Len() {
				names = append(names, s.Name(i))
			}
			if got := strings.Join(names, " "); got != "no/a.wav[0:6] no/a.wav[2:8] no/b.wav[0:6] no/b.wav[2:8] yes/c.wav" || !slices.Equal(s.Labels, []int{0, 0, 0, 0, 1}) || !slices.Equal(s.Classes, []string{"no", "yes"}) {
				t.Errorf("%s with labels %v", got, s.Labels)
			}
			for range 2 {
				if got := floatsOf(t, s, 3); got[0] != 12.0/128 || got[5] != 17.0/128 {
					t.Errorf("the window is %v", got)
				}
			}
			must(t, s.Preload(t.Context(), 2, nil))
		}
	}
	dir := fs.folder(t)
	s := open(t, dir+"/no/a.wav", Options{Shape: []int{8}})
	if got := floatsOf(t, s, 0); s.Len() != 1 || s.Name(0) != "a.wav" || got[7] != 7.0/128 {
		t.Errorf("%d samples, %s: %v", s.Len(), s.Name(0), got)
	}
	s = open(t, dir, Options{Shape: []int{8, 1}, Sequence: Sequence{Pad: true}})
	if got := floatsOf(t, s, 2); got[5] != 25.0/128 || got[6] != 0 || got[7] != 0 {
		t.Errorf("padded with zeros: %v", got)
	}
	s = open(t, dir, Options{Shape: []int{8}, SkipBad: true})
	if s.Len() != 2 || len(s.Skipped) != 1 || s.Skipped[0] != "yes/c.wav: 6 steps of 1 value, want 8 steps (--pad appends zeros)" {
		t.Errorf("%d samples, skipped %q", s.Len(), s.Skipped)
	}
	in, err := LoadInput(dir+"/no/a.wav", Options{Shape: []int{1, 1, 4}, Sequence: Sequence{Hop: 4}})
	must(t, err)
	if in.Count != 2 || in.Kind != Floats || in.Floats[4] != 4.0/128 || in.SampleName(1) != "a.wav[4:8]" {
		t.Errorf("%d inputs: %v, called %s", in.Count, in.Floats, in.SampleName(1))
	}
}

func TestWaveFeatures(t *testing.T) {
	text := "logmel:n_fft=32,hop=8,n_mels=6"
	sound := tone(100, 0)
	for i := range sound {
		sound[i] = int16(3000 * ((i*i)%11 - 5))
	}
	dir := files{"a.wav": waveFile(16000, 1, sound...), "b.wav": waveFile(16000, 1, sound[:40]...)}.folder(t)
	e := extractor(t, text)
	samples := make([]float32, 100)
	for i, v := range sound {
		samples[i] = float32(v) / 32768
	}
	want, err := e.Compute(samples, 0, e.Frames(100))
	must(t, err)
	n := len(want) / 6
	rows := open(t, dir+"/a.wav", Options{Shape: []int{n, 6}, Sequence: Sequence{Features: e}})
	if got := floatsOf(t, rows, 0); !slices.Equal(got, want) {
		t.Errorf("features are %v, want %v", got, want)
	}
	columns := open(t, dir+"/a.wav", Options{Shape: []int{1, 6, n}, Sequence: Sequence{Features: e}})
	if got := floatsOf(t, columns, 0); got[1] != want[6] || got[n] != want[1] {
		t.Errorf("features by band are %v", got[:n+1])
	}
	for _, cache := range []int64{0, -1} {
		windows := open(t, dir+"/a.wav", Options{Shape: []int{4, 6}, CacheBytes: cache, Sequence: Sequence{Features: e, Hop: 3}})
		if got := floatsOf(t, windows, 2); windows.Len() != (n-4)/3+1 || !slices.Equal(got, want[6*6:10*6]) {
			t.Errorf("%d windows, the third is %v, want %v", windows.Len(), got, want[6*6:10*6])
		}
	}
	// As many frames as values: as torchaudio and tf.signal deliver them.
	short := samples[:40]
	want, err = e.Compute(short, 0, 6)
	must(t, err)
	square := open(t, dir+"/b.wav", Options{Shape: []int{6, 6}, Sequence: Sequence{Features: e}})
	if got := floatsOf(t, square, 0); got[1] != want[6] || got[6] != want[1] {
		t.Errorf("a square sample of style torchaudio is %v, want bands first", got)
	}
	square = open(t, dir+"/b.wav", Options{Shape: []int{6, 6}, Sequence: Sequence{Features: e, Order: "ntc"}})
	if got := floatsOf(t, square, 0); !slices.Equal(got, want) {
		t.Errorf("a square sample, steps first, is %v", got)
	}
	// Zeros are appended to the sound, not to its features.
	padded := make([]float32, 100)
	copy(padded, short)
	want, err = e.Compute(padded, 0, n)
	must(t, err)
	s := open(t, dir+"/b.wav", Options{Shape: []int{n, 6}, Sequence: Sequence{Features: e, Pad: true}})
	if got := floatsOf(t, s, 0); !slices.Equal(got[:11*6], want[:11*6]) || got[len(got)-1] != want[len(want)-1] {
		t.Errorf("features of padded sound are %v, want %v", got, want)
	}
}

func TestWaveErrors(t *testing.T) {
	nan := waveFile(16000, 1, 1, 2)
	dir := files{
		"a.wav": waveFile(16000, 1, tone(8, 0)...), "stereo.wav": waveFile(16000, 2, tone(8, 0)...), "text.wav": []byte("text"), "cut.wav": nan[:len(nan)-1],
		"rates/a.wav": waveFile(16000, 1, tone(8, 0)...), "rates/b.wav": waveFile(8000, 1, tone(8, 0)...), "empty.wav": waveFile(16000, 1), "a.wav.gz": gz(t, waveFile(16000, 1, 1)),
		"sound": waveFile(8000, 1, tone(3, 0)...),
	}.folder(t)
	e := extractor(t, "mfcc:n_fft=8,hop=2,n_mels=4,n_mfcc=3")
	for _, c := range []struct {
		file string
		o    Options
		want string
	}{
		{"a.wav#1", Options{Shape: []int{8}}, "a WAV file has no parts to choose with #"},
		{"a.wav.gz", Options{Shape: []int{8}}, "a compressed WAV file, unpack it with gzip -d"},
		{"stereo.wav", Options{Shape: []int{8}}, "stereo.wav: 2 channels, want 1"},
		{"text.wav", Options{Shape: []int{8}}, "text.wav: not a WAV file"},
		{"cut.wav", Options{Shape: []int{2}}, "cut.wav: the file ends after 1 of 2 samples"},
		{"empty.wav", Options{Shape: []int{2}}, "empty.wav: the file holds no samples"},
		{"rates", Options{Shape: []int{8}}, "b.wav: 8000 samples in a second, want 16000 as a.wav: sox IN -r 16000 OUT resamples it"},
		{"sound", Options{Shape: []int{8, 3}, Sequence: Sequence{Features: e}}, "sound: 8000 samples in a second, want 16000 as the features are of"},
		{"a.wav", Options{Shape: []int{5}}, "a.wav: 8 steps of 1 value, the network's input [5] wants 5 steps: cut it into windows with --window 5 --hop N"},
		{"a.wav", Options{Shape: []int{9}}, "a.wav: 8 steps of 1 value, want 9 steps (--pad appends zeros)"},
		{"a.wav", Options{Shape: []int{9, 4}}, "sound has 1 value in a step, the network's input wants [9 4]: if these are features of sound, say which with --features"},
		{"a.wav", Options{Shape: []int{7, 4}, Sequence: Sequence{Features: e}}, "the features are 3 values (mfcc): steps of 3 values, the network's input wants [7 4]"},
		{"a.wav", Options{Shape: []int{7, 3}, Sequence: Sequence{Features: e}}, "a.wav: 5 steps of 3 values, want 7 steps"},
		{"a.wav", Options{Shape: []int{7, 5}, Sequence: Sequence{Features: extractor(t, "mel:n_fft=64,n_mels=5")}}, "a.wav: 8 samples, want 33 at least, those of a frame (--pad appends zeros)"},
		{"a.wav", Options{Shape: []int{8}, MaxMemory: 20}, "a recording of 8 samples takes 64 bytes of memory, want at most 20"},
	} {
		_, err := Open(dir+"/"+c.file, c.o)
		wantError(t, err, dir+"/"+c.file, c.want)
	}
}

// FuzzSequences opens what a file is as a table of steps, an array or sound, and cuts it into windows.
func FuzzSequences(f *testing.F) {
	f.Add(byte(0), []byte("a,b,label\n1,2,x\n3,4,y\n5,6,x\n"))
	f.Add(byte(0), []byte("1;2\n3;\n5;6\n7;8\n"))
	f.Add(byte(1), waveFile(16000, 1, tone(9, 0)...))
	f.Add(byte(2), npyData("<f4", false, "(5, 2)", little[float32](1, 2, 3, 4, 5, 6, 7, 8, 9, 10)))
	f.Add(byte(3), waveFile(16000, 1, tone(40, 0)...))
	f.Add(byte(88), []byte(",,")) // no rows
	e := extractor(f, "mfcc:n_fft=8,hop=2,n_mels=4,n_mfcc=2")
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		name := []string{"a.csv", "a.wav", "a.npy", "b.wav"}[kind%4]
		o := fuzzOptions
		o.Files, o.Shape, o.SkipBad = fstest.MapFS{name: {Data: data}}, []int{3, 2}, kind&4 != 0
		o.Sequence = Sequence{Window: 3, Hop: 1, Pad: kind&8 != 0, Majority: kind&16 != 0}
		if kind&32 != 0 {
			o.Outputs, o.OutputSteps = 12, 3
		}
		switch name {
		case "a.wav":
			o.Shape = []int{3}
		case "b.wav":
			o.Features = e
		}
		s, err := Open(name, o)
		if err != nil {
			checkPrintable(t, err.Error())
			return
		}
		defer s.Close()
		if s.Labels != nil && len(s.Labels) != s.Len() || s.StepLabels != nil && len(s.StepLabels) != s.Len() || s.Targets != nil && len(s.Targets) != s.Len() {
			t.Fatalf("%d samples, %d labels, of steps %d, targets %d", s.Len(), len(s.Labels), len(s.StepLabels), len(s.Targets))
		}
		dst := make([]float32, s.Elems())
		for i := range min(s.Len(), fuzzSamples) {
			checkPrintable(t, s.Name(i))
			if err := s.Floats(i, dst); err != nil {
				checkPrintable(t, err.Error())
			} else if k := slices.IndexFunc(dst, notFinite); k >= 0 {
				t.Fatalf("sample %d holds %v", i, dst[k])
			}
		}
		train, val := Split(s, 0.3, 1)
		if train.Len()+val.Len() > s.Len() || sharedSteps(train, val) > 0 && s.timed() != nil && s.Len() > 1 {
			if _, how := s.units(); how != BySample {
				t.Fatalf("%d and %d of %d, %d share steps", train.Len(), val.Len(), s.Len(), sharedSteps(train, val))
			}
		}
	})
}
