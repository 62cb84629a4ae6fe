package dataset

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// labelColumns are the names a label column has by custom, the likeliest first; from the fourth on they may be other things too.
var labelColumns = []string{"label", "labels", "class", "target", "y"}

// table are rows of numbers from one or more CSV files with the same columns, on their way to a Set.
type table struct {
	o       Options
	steps   bool   // a row is a step of a sequence, not a sample
	choice  string // which columns are labels or targets; may be empty
	header  []string
	named   bool     // the file has a header; else columns are numbered from 1
	first   []string // the row that is no header
	label   int      // column, or -1
	several []int    // columns with targets, where there is no label
	enter   []int    // columns that enter the network, in this order
	data    []float32
	bytes   bool // all values so far are whole numbers 0..255
	labels  []string
	targets []float32 // of the columns in several, row by row
	lines   []int32   // line in the file of every row
	runs    []run     // rows that follow each other without a gap
	text    int64     // bytes of labels and of what is said of broken rows
}

// run are rows of a table, from first up to the next run, that follow each other in one file.
type run struct {
	file  string // as it may be printed; empty where there is one alone
	first int
	after bool // the run goes on with the file of the one before, behind a gap
}

func newTable(o Options) *table { return &table{o: o, bytes: true, label: -1} }

// begin starts with the rows of another file.
func (t *table) begin(file string) { t.runs = append(t.runs, run{file, len(t.lines), false}) }

// gap says that rows of the file are missing here.
func (t *table) gap() {
	last := &t.runs[len(t.runs)-1]
	if last.first < len(t.lines) {
		t.runs = append(t.runs, run{last.file, len(t.lines), true})
	}
}

// place says where row i came from.
func (t *table) place(i int) string {
	line := fmt.Sprintf("line %d", t.lines[i])
	k, found := slices.BinarySearchFunc(t.runs, i, func(r run, i int) int { return r.first - i })
	if !found {
		k--
	}
	for k+1 < len(t.runs) && t.runs[k+1].first == i {
		k++ // files without rows
	}
	if file := t.runs[k].file; file != "" {
		return file + ": " + line
	}
	return line
}

// readHeader reads the column names, or numbers the columns where the first row holds numbers, and finds the label columns.
// The files behind the first must have its columns.
func (p *opener) readHeader(t *table, r *csv.Reader, place func(string) string) error {
	row, err := r.Read()
	if err == io.EOF {
		return p.fail(place(""), "the file is empty")
	}
	if err != nil {
		return p.fail(place(""), "the header cannot be read: %w", err)
	}
	if len(t.runs) > 1 {
		return t.sameColumns(p, row, place)
	}
	t.named = isHeader(row)
	for i, name := range row {
		if !t.named {
			name = strconv.Itoa(i + 1)
		}
		t.header = append(t.header, strings.TrimSpace(name))
	}
	if !t.named {
		t.first = slices.Clone(row)
	}
	if err := p.chooseColumns(t, place); err != nil {
		return err
	}
	if t.enter == nil {
		for i := range t.header {
			if i != t.label && !slices.Contains(t.several, i) {
				t.enter = append(t.enter, i)
			}
		}
	}
	if len(t.enter) == 0 {
		return p.fail(place(""), "has only the column %q, want numbers beside the labels (or #- for no labels)", t.header[0])
	}
	if slices.Contains(t.enter, t.label) {
		return p.fail(place(""), "column %q enters the network and is its label, want either", t.header[t.label])
	}
	if t.steps {
		_, err := p.formOf(len(t.enter))
		if err != nil {
			return p.fail(place("line 1"), "%w", err)
		}
		return nil
	}
	if err := p.checkSamples("", []int{1, len(t.enter)}, Floats); err != nil {
		if f, ok := p.o.formWith(len(t.enter), 0); ok && f.steps > 1 {
			return p.fail(place("line 1"), "a row has %d numbers, the network's input wants %v; if a row is a step in time, cut the table into samples with --window %d --hop N", len(t.enter), p.o.Shape, f.steps)
		}
		return err
	}
	return nil
}

// sameColumns wants the first row of a further file to have the columns of the first file.
func (t *table) sameColumns(p *opener, row []string, place func(string) string) error {
	named := isHeader(row)
	if named != t.named {
		return p.fail(place("line 1"), "%s, want %s as %s has", headerOrNot(named), headerOrNot(t.named), t.runs[0].file)
	}
	if !named {
		t.first = slices.Clone(row) // rows of another length are found when they are read
		return nil
	}
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	if !slices.Equal(row, t.header) {
		return p.fail(place("line 1"), "the columns are %s, want %s as in %s", list(row), list(t.header), t.runs[0].file)
	}
	return nil
}

func headerOrNot(named bool) string {
	if named {
		return "a header"
	}
	return "no header"
}

// isHeader tells the names of columns from numbers. Whole numbers that count the columns, from 0 or from 1, are names.
func isHeader(row []string) bool {
	counts := len(row) > 2
	start := 0.0
	for i, field := range row {
		v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
		if err != nil {
			return true
		}
		if i == 0 {
			start = v
		}
		counts = counts && (start == 0 || start == 1) && v == start+float64(i)
	}
	return counts
}

// chooseColumns finds the label column, or the columns with targets.
func (p *opener) chooseColumns(t *table, place func(string) string) error {
	n := len(t.header)
	t.label = n - 1
	if p.o.Columns != "" {
		if err := p.enteringColumns(t, place); err != nil {
			return err
		}
	}
	extra, names := 0, labelColumns // columns that do not enter the network, and how that of the labels may be called
	want := elems(p.o.Shape)
	if t.steps {
		want, names = p.o.stepWidth(n), labelColumns[:3] // y may be one of three axes
	}
	if len(p.o.Shape) > 0 {
		extra = n - want
	}
	switch {
	case t.choice == "-":
		t.label = -1
	case t.choice != "":
		if t.label = slices.Index(t.header, t.choice); t.label < 0 {
			return p.severalColumns(t, strings.Split(t.choice, ","), place)
		}
	case t.enter != nil:
		if t.label = columnCalled(t.header, names); slices.Contains(t.enter, t.label) {
			t.label = -1
		}
	case extra == 0 && len(p.o.Shape) > 0 && columnCalled(t.header, labelColumns[:3]) < 0:
		t.label = -1
	case extra > 1 && extra == p.o.Outputs && !t.steps:
		t.label = -1
		for i := n - extra; i < n; i++ {
			t.several = append(t.several, i)
		}
	case extra > 1 && t.steps:
		return p.fail(place("line 1"), "%d columns, want %d that enter the network in a step and 1 label; choose the others with --columns a,b,c or --label-column", n, want)
	case extra > 1 && p.o.Outputs > 0 && !p.o.NoLabels:
		return p.fail(place("line 1"), "%d columns, want %d that enter the network and 1 label or %d targets; choose them with #a,b,c, or #- for none", n, want, p.o.Outputs)
	default:
		if i := columnCalled(t.header, names); i >= 0 {
			t.label = i
		}
	}
	return nil
}

// columnCalled is the first column that has one of the names, of which earlier ones win, or -1.
func columnCalled(header, names []string) int {
	for _, want := range names {
		if i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, want) }); i >= 0 {
			return i
		}
	}
	return -1
}

// enteringColumns finds the columns that enter the network by their names.
func (p *opener) enteringColumns(t *table, place func(string) string) error {
	for name := range strings.SplitSeq(p.o.Columns, ",") {
		i := slices.Index(t.header, strings.TrimSpace(name))
		switch {
		case i < 0:
			return p.fail(place(""), "no column %q, there are: %s", name, list(t.header))
		case slices.Contains(t.enter, i):
			return p.fail(place(""), "column %q is chosen twice", name)
		}
		t.enter = append(t.enter, i)
	}
	return nil
}

// severalColumns finds the columns with targets by their names.
func (p *opener) severalColumns(t *table, names []string, place func(string) string) error {
	for _, name := range names {
		i := slices.Index(t.header, strings.TrimSpace(name))
		if i < 0 {
			return p.fail(place(""), "no column %q, there are: %s", name, list(t.header))
		}
		if slices.Contains(t.several, i) {
			return p.fail(place(""), "column %q is chosen twice", name)
		}
		t.several = append(t.several, i)
	}
	want := p.o.Outputs
	if t.steps && p.o.OutputSteps > 1 {
		want /= p.o.OutputSteps
	}
	if want > 0 && len(names) != want {
		return p.fail(place("line 1"), "%d columns chosen as targets, the network has %d outputs; choose %d with #a,b,c", len(names), want, want)
	}
	return nil
}

// add takes one row; a broken one leaves the table as it was.
func (t *table) add(row []string, line int) error {
	if len(row) != len(t.header) {
		if !t.named {
			return fmt.Errorf("%d fields, want %d as in line 1", len(row), len(t.header))
		}
		return fmt.Errorf("%d fields, want %d as in the header", len(row), len(t.header))
	}
	before, aims, whole, label := len(t.data), len(t.targets), t.bytes, ""
	err := func() error {
		if t.label >= 0 {
			if label = strings.TrimSpace(row[t.label]); label == "" {
				return fmt.Errorf("column %q, the label, is empty", t.header[t.label])
			}
		}
		for _, i := range t.enter {
			v, err := t.number(i, strings.TrimSpace(row[i]))
			if err != nil {
				return err
			}
			if v != float64(byte(max(0, min(v, 255)))) {
				t.bytes = false
			}
			t.data = append(t.data, float32(v))
		}
		for _, i := range t.several {
			v, err := t.number(i, strings.TrimSpace(row[i]))
			if err != nil {
				return err
			}
			t.targets = append(t.targets, float32(v))
		}
		return nil
	}()
	if err != nil {
		t.data, t.targets, t.bytes = t.data[:before], t.targets[:aims], whole
		return err
	}
	if t.label >= 0 {
		t.labels = append(t.labels, strings.Clone(label))
		t.text += int64(len(label))
	}
	t.lines = append(t.lines, int32(line))
	return nil
}

// number is a field of a column.
func (t *table) number(column int, field string) (float64, error) {
	v, err := strconv.ParseFloat(field, 32)
	if err != nil || notFinite(float32(v)) {
		return 0, fmt.Errorf("column %q is %q, want a number", t.header[column], shorten(field, 40))
	}
	return v, nil
}

// memory is what the table takes in bytes, with what its slices leave behind when they grow.
func (t *table) memory() int64 {
	const perValue, perRow, perLabel = 2 * 4, bytesPerSample + 2*4, bytesPerLabel + 2*16
	return int64(len(t.data)+len(t.targets))*perValue + int64(len(t.lines))*perRow + int64(len(t.labels))*perLabel + t.text
}

// tableTruth turns the column of labels, or those of targets, into what they say.
func (p *opener) tableTruth(t *table) (truth, error) {
	switch width := len(t.several); {
	case p.o.NoLabels:
		return truth{}, nil
	case width > 0:
		known, err := p.numbers(len(t.lines), width, func(i, k int) float64 { return float64(t.targets[i*width+k]) }, t.place)
		if err != nil {
			return truth{}, p.fail("", "%w", err)
		}
		return known, nil
	case t.label < 0:
		return truth{}, nil
	}
	if p.o.Values {
		if known, ok, err := p.labelTargets(t); ok || err != nil {
			return known, err
		}
	}
	labels, classes, err := p.tableLabels(t)
	return truth{labels: labels, classes: classes}, err
}

// labelTargets takes the label column as numbers, if it holds such, for a network that delivers numbers.
func (p *opener) labelTargets(t *table) (known truth, ok bool, err error) {
	values := make([]float64, len(t.labels))
	for i, l := range t.labels {
		if values[i], err = strconv.ParseFloat(l, 64); err != nil {
			return truth{}, false, nil
		}
	}
	if !p.o.values(1) {
		if err := p.o.checkWidth(1); err != nil {
			return truth{}, false, p.fail(fmt.Sprintf("line 1: column %q", t.header[t.label]), "%w", err)
		}
		return truth{}, false, nil
	}
	known, err = numberTargets(len(values), 1, func(i, _ int) float64 { return values[i] }, t.place)
	if err != nil {
		return truth{}, false, p.fail("", "%w", err)
	}
	return known, true, nil
}

// tableLabels turns labels that are all class indices into these, and others into
// positions among the sorted names.
func (p *opener) tableLabels(t *table) ([]int, []string, error) {
	labels := make([]int, len(t.labels))
	column := fmt.Sprintf("column %q", t.header[t.label])
	indices, numbers := true, true // all labels are class indices, are numbers
	fraction, top := -1, 0
	for i, l := range t.labels {
		v, err := strconv.ParseFloat(l, 64)
		switch {
		case err != nil:
			indices, numbers = false, false
		case v != math.Trunc(v):
			if indices = false; fraction < 0 {
				fraction = i
			}
		case v < 0 || v > maxClass:
			indices = false
		default:
			labels[i] = int(v)
			top = max(top, labels[i]+1)
		}
	}
	if numbers && fraction >= 0 {
		remedy := "choose the label column with #name, or #- for none"
		if p.o.Outputs > 1 {
			remedy = fmt.Sprintf("choose the label column with #name, %d columns of targets with #a,b,c, or #- for none", p.o.Outputs)
		}
		return nil, nil, p.fail(t.place(fraction), "label %q in %s is not a class; %s", t.labels[fraction], column, remedy)
	}
	if indices {
		classes, err := p.numericClasses(top)
		if err != nil {
			return nil, nil, p.fail(column, "%w", err)
		}
		return labels, classes, nil
	}
	names := slices.Compact(slices.Sorted(slices.Values(t.labels)))
	if len(names) > len(t.labels)/2 && len(names) > 100 {
		return nil, nil, p.fail(column, "holds %d different labels in %d rows, which are no classes; choose the label column with #name, or #- for none", len(names), len(t.labels))
	}
	if len(p.o.Classes) > 0 {
		names = slices.Clone(p.o.Classes)
	}
	position := make(map[string]int, len(names))
	for i, n := range names {
		position[n] = i
	}
	for i, l := range t.labels {
		k, ok := position[l]
		if !ok {
			return nil, nil, p.fail(t.place(i), "%w", otherClasses("label %q is none of the %d classes wanted: %s", shorten(l, 40), len(names), list(names)))
		}
		labels[i] = k
	}
	return labels, names, nil
}
