package dataset

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// recordingKinds are the endings of files that hold a recording.
const recordingKinds = "csv, tsv, npy, wav"

// recordingKind is the ending of a file that holds a recording, without dot, and tsv as csv; empty for other files.
func recordingKind(name string) string {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".csv", ".npy", ".wav":
		return ext[1:]
	case ".tsv":
		return "csv"
	}
	return ""
}

func isRecording(name string) bool { return recordingKind(name) != "" }

// openRecordings makes a set of the recordings in n: of its folders as classes, or of its own files.
func (p *opener) openRecordings(src *source, n *node) (*Set, error) {
	q := *p
	q.part = ""
	files, labels, classes, err := q.classFiles(n, isRecording, "recordings", recordingKinds)
	if err != nil {
		return nil, err
	}
	kind := recordingKind(files[0].base)
	for _, f := range files {
		if k := recordingKind(f.base); k != kind {
			return nil, q.fail(name(f.path), "lies beside %s, want recordings of one kind", name(files[0].path))
		}
	}
	known := truth{labels: labels, classes: classes}
	if q.o.NoLabels {
		known = truth{}
	}
	switch kind {
	case "csv":
		return q.openTables(src, files, known)
	case "npy":
		return q.openArrays(src, files, known)
	}
	return q.openWaves(src, files, known)
}

// openEntries calls use with every file of a source, whose size it adds up.
func (p *opener) openEntries(src *source, files []*entry, use func(f *entry, r io.Reader, sizes int64) error) error {
	var sizes int64
	for _, f := range files {
		r, _, packed, err := src.open(f)
		if err != nil {
			return p.fail(name(f.path), "%w", err)
		}
		sizes += packed
		err = use(f, interruptible{p.ctx, r}, sizes)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// openTables makes a set of CSV files with a row for each step, which have the same columns.
func (p *opener) openTables(src *source, files []*entry, known truth) (*Set, error) {
	t := newTable(p.o)
	t.steps, t.choice = true, p.o.LabelColumn
	if known.labels != nil && t.choice == "" {
		t.choice = "-" // the folder is the label
	}
	var skipped []string
	var size int64
	firstRun := []int{} // by file
	err := p.openEntries(src, files, func(f *entry, r io.Reader, sizes int64) error {
		size = sizes
		firstRun = append(firstRun, len(t.runs))
		lines, err := p.readTable(t, r, name(f.path), sizes)
		skipped = append(skipped, lines...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.fromTable(t, skipped, firstRun, known, size, src)
}

// openTableSteps makes a set of one CSV file with a row for each step.
func (p *opener) openTableSteps() (*Set, error) {
	f, err := p.reader()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := newTable(p.o)
	t.steps = true
	if t.choice, err = p.columnChoice(); err != nil {
		return nil, err
	}
	skipped, err := p.readTable(t, f, "", p.size)
	if err != nil {
		return nil, err
	}
	return p.fromTable(t, skipped, []int{0}, truth{}, p.size, noCloser{})
}

// fromTable makes a set of the rows of files, of which firstRun says where they begin. known is what is known of the files; their rows say it where that is nothing.
func (p *opener) fromTable(t *table, skipped []string, firstRun []int, known truth, size int64, files io.Closer) (*Set, error) {
	form, err := p.formOf(len(t.enter))
	if err != nil {
		return nil, p.fail(t.runs[0].file, "%w", err)
	}
	about := knownOf{truth: known}
	var fileOf []int
	if known.labels == nil || t.choice != "-" {
		q := *p
		if p.o.stepwise(form.steps) {
			q.o.Outputs /= form.steps
		}
		if about.truth, err = q.tableTruth(t); err != nil {
			return nil, err
		}
		about.ofSteps = true
	}
	var list []*recording
	var of truth
	for k, r := range t.runs {
		if slices.Contains(firstRun, k) {
			fileOf = append(fileOf, k)
		}
		end := len(t.lines)
		if k+1 < len(t.runs) {
			end = t.runs[k+1].first
		}
		rec := &recording{name: r.file, file: len(fileOf) - 1, steps: end - r.first, row: r.first, rows: t.data[r.first*form.width : end*form.width]}
		if rec.name == "" {
			rec.name = "rows"
		}
		rec.whole = !r.after && (k+1 == len(t.runs) || !t.runs[k+1].after)
		if r.after {
			before := list[len(list)-1]
			rec.first = before.first + before.steps + 1
		}
		list = append(list, rec)
		if !about.ofSteps {
			of.add(known, rec.file)
		}
	}
	if !about.ofSteps {
		of.classes = known.classes
		about.truth = of
	}
	set, err := p.fromRecordings(form, list, about, size, files)
	if err != nil {
		return nil, err
	}
	set.Skipped = append(skipped, set.Skipped...)
	return set, nil
}

// openArrays makes a set of .npy files with a recording each, [steps, values] or [steps].
func (p *opener) openArrays(src *source, files []*entry, known truth) (*Set, error) {
	var list []*recording
	var form form
	var size, need int64
	err := p.openEntries(src, files, func(f *entry, r io.Reader, sizes int64) error {
		where := name(f.path)
		size = sizes
		a, err := newArrayReader(r)
		if err != nil {
			return p.fail(where, "%w", err)
		}
		if len(a.shape) != 1 && len(a.shape) != 2 {
			return p.fail(where, "an array of shape %v, want a recording [steps, values] or [steps]", a.shape)
		}
		width := 1
		if len(a.shape) == 2 {
			width = a.shape[1]
		}
		if len(list) > 0 && width != form.width {
			return p.fail(where, "steps of %d values, want %d as in %s", width, form.width, list[0].name)
		}
		if form, err = p.formOf(width); err != nil {
			return p.fail(where, "%w", err)
		}
		if need += a.memory(); need > p.o.Allowance(sizes) {
			return p.fail(where, "%w", tooLarge("the arrays so far", need, p.o.Allowance(sizes)))
		}
		x, err := a.read(sizes)
		if err != nil {
			return p.fail(where, "%w", err)
		}
		list = append(list, &recording{name: where, file: len(list), steps: x.Len() / width, rows: x.Float32s()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.fromArrays(form, list, knownOf{truth: known}, size, src)
}

// fromArrays makes a set of recordings that may hold what is no number.
func (p *opener) fromArrays(f form, list []*recording, known knownOf, size int64, files io.Closer) (*Set, error) {
	var parts []*recording
	var skipped []string
	of := knownOf{truth: truth{classes: known.classes}, ofSteps: known.ofSteps}
	if known.ofSteps {
		of = known
	}
	for k, rec := range list {
		add := func(from, to int) {
			part := &recording{name: rec.name, file: rec.file, first: rec.first + from, steps: to - from, row: rec.row + from, rows: rec.rows[from*f.width : to*f.width],
				whole: to-from == rec.steps}
			parts = append(parts, part)
			if !known.ofSteps {
				of.add(known.truth, k)
			}
		}
		from := 0
		for i, v := range rec.rows {
			if !notFinite(v) || i/f.width < from {
				continue
			}
			step := i / f.width
			err := fmt.Errorf("value %d of step %d is %v, want a finite number", i%f.width, step, v)
			if !p.o.SkipBad {
				return nil, p.fail(rec.name, "%w", err)
			}
			skipped = append(skipped, rec.name+": "+oneLine(err))
			if step > from {
				add(from, step)
			}
			from = step + 1
		}
		if from < rec.steps || from == 0 {
			add(from, rec.steps)
		}
	}
	if len(parts) == 0 {
		return nil, p.fail("", "no samples left, all steps are broken; first: %s", skipped[0])
	}
	set, err := p.fromRecordings(f, parts, of, size, files)
	if err != nil {
		return nil, err
	}
	set.Skipped = append(skipped, set.Skipped...)
	return set, nil
}

// arrayRecordings reads the dimensions of an array of recordings that are to be cut: [N, steps, values], [N, steps], [steps, values] or [steps].
func (p *opener) arrayRecordings(where string, dims []int) (count, steps int, f form, err error) {
	asForm := func(width int) (ok bool) {
		f, ok = p.o.formWith(width, p.o.Window)
		return ok
	}
	switch {
	case len(dims) == 1:
		count, steps = 1, dims[0]
		f, err = p.formOf(1)
	case len(dims) == 2 && asForm(dims[1]):
		count, steps = 1, dims[0]
	case len(dims) == 2 && asForm(1):
		count, steps = dims[0], dims[1]
	case len(dims) == 3:
		count, steps = dims[0], dims[1]
		f, err = p.formOf(dims[2])
	case len(dims) == 2:
		f, err = p.formOf(dims[1])
	default:
		err = fmt.Errorf("an array of shape %v, want recordings [N, steps, values], [N, steps] or [steps, values] to be cut into windows", dims)
	}
	if err != nil {
		err = p.fail(where, "%w", err)
	}
	return count, steps, f, err
}

// cutArray makes a set of windows of the recordings in an array, which comes from packed bytes.
func (p *opener) cutArray(key string, x *Array, packed int64, known knownOf) (*Set, error) {
	count, steps, f, err := p.arrayRecordings(name(key), x.Shape)
	if err != nil {
		return nil, err
	}
	rows := x.Float32s()
	var list []*recording
	for k := range count {
		rec := &recording{name: fmt.Sprintf("%s[%d]", name(key), k), file: k, steps: steps, row: k * steps, rows: rows[k*steps*f.width:][:steps*f.width]}
		if count == 1 {
			rec.name = name(key)
		}
		list = append(list, rec)
	}
	return p.fromArrays(f, list, known, packed, noCloser{})
}
