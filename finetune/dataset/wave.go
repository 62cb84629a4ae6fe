package dataset

import (
	"fmt"
	"io"
	"path"

	"qconv/finetune/features"
	"qconv/runtime/wav"
)

// openWave makes a set of one WAV file.
func (p *opener) openWave() (*Set, error) {
	switch {
	case p.part != "":
		return nil, p.fail("", "a WAV file has no parts to choose with #")
	case p.gzipName():
		return nil, p.fail("", "a compressed WAV file, unpack it with gzip -d")
	}
	return p.openWaves(nil, []*entry{{path: path.Base(p.path), base: path.Base(p.path)}}, truth{})
}

// openWaves makes a set of WAV files, as samples of sound or as their features. They are read when they are used, as far as the cache has no room for them. Without a source there is one,
// that of the opener.
func (p *opener) openWaves(src *source, files []*entry, known truth) (*Set, error) {
	width, spec := 1, p.o.Features
	if spec != nil {
		width = spec.Width()
	}
	form, err := p.formOf(width)
	switch {
	case err != nil && spec == nil:
		return nil, p.fail("", "sound has 1 value in a step, the network's input wants %v: if these are features of sound, say which with --features", p.o.Shape)
	case err != nil:
		return nil, p.fail("", "the features are %s (%s): %w", valuesText(width), spec.Kind, err)
	}
	if spec != nil && form.steps == form.width && p.o.Order == "" {
		form.channelsFirst = spec.Style == features.Torchaudio // as it delivers them
	}
	w := waves{opener: p, src: src, steps: form.steps}
	var list []*recording
	var of truth
	var skipped []string
	var size int64
	for i, f := range files {
		rec, err := w.recording(f, i)
		if err != nil {
			if err := p.ctx.Err(); err != nil {
				return nil, err
			}
			err = fmt.Errorf("%s: %w", name(f.path), err)
			if !p.o.SkipBad {
				return nil, p.fail("", "%w", err)
			}
			skipped = append(skipped, oneLine(err))
			continue
		}
		list = append(list, rec)
		size = w.size
		of.add(known, i)
	}
	if len(list) == 0 {
		return nil, p.fail("", "no samples left, all %d are broken; first: %s", len(files), skipped[0])
	}
	of.classes = known.classes
	var closer io.Closer = noCloser{}
	if src != nil {
		closer = src
	}
	set, err := p.fromRecordings(form, list, knownOf{truth: of}, size, closer)
	if err != nil {
		return nil, err
	}
	set.Skipped = append(skipped, set.Skipped...)
	return set, nil
}

// waves makes recordings of WAV files.
type waves struct {
	*opener
	src   *source
	steps int   // of a sample; 0 = as many as there are
	size  int64 // of all files so far
	rate  int   // of the first one, in samples a second
	first string
}

// recording reads the header of a file, the i-th, and says how it is made.
func (w *waves) recording(f *entry, i int) (*recording, error) {
	count := 0
	err := w.open(f, func(r *wav.Reader, packed int64) error {
		want, as := w.rate, "as "+w.first
		if spec := w.o.Features; spec != nil {
			want, as = spec.Rate, "as the features are of"
		}
		if want != 0 && r.Rate() != want {
			return fmt.Errorf("%d samples in a second, want %d %s: sox IN -r %d OUT resamples it", r.Rate(), want, as, want)
		}
		w.size += packed
		if need, allowed := 2*4*r.Len(), w.o.Allowance(packed); need > allowed {
			return tooLarge(fmt.Sprintf("a recording of %d samples", r.Len()), need, allowed)
		}
		if w.rate == 0 {
			w.rate, w.first = r.Rate(), name(f.path)
		}
		count = int(r.Len())
		return nil
	})
	if err != nil {
		return nil, err
	}
	rec := &recording{name: name(f.path), file: i, steps: count, whole: true}
	spec := w.o.Features
	if spec != nil {
		if w.o.Pad && w.steps > 0 && spec.Frames(count) < w.steps {
			count = spec.Samples(w.steps)
		}
		if rec.steps = spec.Frames(count); rec.steps == 0 {
			return nil, fmt.Errorf("%d samples, want %d at least, those of a frame (--pad appends zeros)", count, spec.Samples(1))
		}
	}
	if rec.steps == 0 {
		return nil, fmt.Errorf("the file holds no samples")
	}
	rec.make = func(from, to int) (rows []float32, err error) {
		err = w.open(f, func(r *wav.Reader, _ int64) error {
			samples, err := r.Samples()
			if err != nil {
				return err
			}
			if spec == nil {
				if len(samples) < to {
					return fmt.Errorf("the file has become shorter")
				}
				rows = samples[from:to]
				return nil
			}
			if missing := count - len(samples); missing > 0 {
				samples = append(samples, make([]float32, missing)...)
			}
			rows, err = spec.Compute(samples, from, to)
			return err
		})
		return rows, err
	}
	return rec, nil
}

// open calls use with a file whose header has been read, and its bytes in the archive.
func (w *waves) open(f *entry, use func(r *wav.Reader, packed int64) error) error {
	var file io.ReadCloser
	var size, packed int64
	if w.src != nil {
		var err error
		if file, size, packed, err = w.src.open(f); err != nil {
			return err
		}
	} else {
		one, err := openFile(w.files, w.path)
		if err != nil {
			return err
		}
		file, size, packed = readCloser{one.all(w.ctx), one}, one.size, one.size
	}
	defer file.Close()
	r, err := wav.NewReader(io.LimitReader(interruptible{w.ctx, file}, size), size)
	if err != nil {
		return err
	}
	return use(r, packed)
}
