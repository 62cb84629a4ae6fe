package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// labelColumns are the names a label column has by custom, the likeliest first; from the fourth on they may be other things too.
var labelColumns = []string{"label", "labels", "class", "target", "y"}

// Bounds of a row of a CSV file.
const (
	maxRow     = 16 << 20 // bytes
	maxColumns = 1 << 20
)

// table is a CSV file on its way to a Set.
type table struct {
	header  []string
	named   bool     // the file has a header; else columns are numbered from 1
	first   []string // the row that is no header
	label   int      // column, or -1
	several []int    // columns with targets, where there is no label
	aims    []bool   // by column, whether it is in several
	data    []float32
	bytes   bool // all values so far are whole numbers 0..255
	labels  []string
	targets []float32 // of the columns in several, row by row
	lines   []int32   // line in the file of every sample
	text    int64     // bytes of labels and of what is said of broken rows
}

// openCSV reads a header, which may be missing, and rows of numbers. The label column may hold names, class
// indices or numbers.
func (p *opener) openCSV() (*Set, error) {
	f, err := p.reader()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	br := bufio.NewReaderSize(f, 1<<16)
	if b, _ := br.Peek(3); bytes.Equal(b, []byte("\xef\xbb\xbf")) {
		br.Discard(3)
	}
	first, _ := br.Peek(1 << 16)
	guard := &rowGuard{r: br, comma: byte(separator(first))}
	r := csv.NewReader(guard)
	r.Comma = rune(guard.comma)
	r.FieldsPerRecord, r.ReuseRecord = -1, true

	t := &table{bytes: true}
	if err := p.readHeader(t, r); err != nil {
		return nil, err
	}
	if err := p.checkSamples("", []int{1, t.columns()}, Floats); err != nil {
		return nil, err
	}
	allowed := p.o.Allowance(p.size)
	var skipped []string
	for {
		guard.next()
		row, err := t.first, error(nil)
		if row == nil {
			row, err = r.Read()
		}
		if err == io.EOF {
			break
		}
		var parse *csv.ParseError
		if err != nil && !errors.As(err, &parse) {
			return nil, p.fail("", "%w", err)
		}
		where := ""
		if err == nil {
			line, _ := r.FieldPos(0)
			where = fmt.Sprintf("line %d", line)
			err = t.add(row, line)
			t.first = nil
		} else {
			where, err = fmt.Sprintf("line %d", parse.Line), parse.Err
		}
		if err != nil && !p.o.SkipBad {
			return nil, p.fail(where, "%w", err)
		}
		if err != nil {
			skipped = append(skipped, where+": "+oneLine(err))
			t.text += int64(len(skipped[len(skipped)-1])) + 2*16
		}
		if need := t.memory(); need > allowed {
			return nil, p.fail(where, "%w", tooLarge("the table so far", need, allowed))
		}
	}
	n := len(t.lines)
	if n == 0 {
		if len(skipped) > 0 {
			return nil, p.fail("", "no samples left, all %d rows are broken; first: %s", len(skipped), skipped[0])
		}
		return nil, p.fail("", "no rows follow the header")
	}
	known, err := p.tableTruth(t)
	if err != nil {
		return nil, err
	}
	dims := []int{n, len(t.data) / n}
	nameOf := func(i int) string { return fmt.Sprintf("line %d", t.lines[i]) }
	var s *Set
	if t.bytes {
		b := make([]byte, len(t.data))
		for i, v := range t.data {
			b[i] = byte(v)
		}
		s, err = p.fromBytes("", b, p.size, dims, known, nameOf)
		t.data = nil
	} else {
		s, err = p.fromFloats("", t.data, dims, known, nameOf)
	}
	if err != nil {
		return nil, err
	}
	s.Skipped = skipped
	return s, nil
}

// separator is the likeliest of comma, semicolon and tab, by the first line.
func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := ',', 0
	for _, r := range ",;\t" {
		if n := bytes.Count(line, []byte(string(r))); n > most {
			best, most = r, n
		}
	}
	return best
}

// readHeader reads the column names, or numbers the columns where the first row holds numbers, and finds the label columns.
func (p *opener) readHeader(t *table, r *csv.Reader) error {
	row, err := r.Read()
	if err == io.EOF {
		return p.fail("", "the file is empty")
	}
	if err != nil {
		return p.fail("", "the header cannot be read: %w", err)
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
	if err := p.chooseColumns(t); err != nil {
		return err
	}
	t.aims = make([]bool, len(t.header))
	for _, i := range t.several {
		t.aims[i] = true
	}
	if t.columns() == 0 {
		return p.fail("", "has only the column %q, want numbers beside the labels (or #- for no labels)", t.header[0])
	}
	return nil
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
func (p *opener) chooseColumns(t *table) error {
	n := len(t.header)
	t.label = n - 1
	extra := 0 // columns that do not enter the network
	if len(p.o.Shape) > 0 {
		extra = n - elems(p.o.Shape)
	}
	switch {
	case p.part == "-":
		t.label = -1
	case p.part != "":
		if t.label = slices.Index(t.header, p.part); t.label < 0 {
			return p.severalColumns(t, strings.Split(p.part, ","))
		}
	case extra == 0 && len(p.o.Shape) > 0 && columnCalled(t.header, labelColumns[:3]) < 0:
		t.label = -1
	case extra > 1 && extra == p.o.Outputs:
		t.label = -1
		for i := n - extra; i < n; i++ {
			t.several = append(t.several, i)
		}
	case extra > 1 && p.o.Outputs > 0 && !p.o.NoLabels:
		return p.fail("line 1", "%d columns, want %d that enter the network and 1 label or %d targets; choose them with #a,b,c, or #- for none", n, elems(p.o.Shape), p.o.Outputs)
	default:
		if i := columnCalled(t.header, labelColumns); i >= 0 {
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

// severalColumns finds the columns with targets by their names.
func (p *opener) severalColumns(t *table, names []string) error {
	for _, name := range names {
		i := slices.Index(t.header, strings.TrimSpace(name))
		if i < 0 {
			return p.fail("", "no column %q, there are: %s", name, list(t.header))
		}
		if slices.Contains(t.several, i) {
			return p.fail("", "column %q is chosen twice", name)
		}
		t.several = append(t.several, i)
	}
	if want := p.o.Outputs; want > 0 && len(names) != want {
		return p.fail("line 1", "%d columns chosen as targets, the network has %d outputs; choose %d with #a,b,c", len(names), want, want)
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
		for i, f := range row {
			f = strings.TrimSpace(f)
			if i == t.label {
				if label = f; f == "" {
					return fmt.Errorf("column %q, the label, is empty", t.header[i])
				}
				continue
			}
			if t.aims[i] {
				continue
			}
			v, err := t.number(i, f)
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

// columns is how many numbers of a row enter the network.
func (t *table) columns() int {
	n := len(t.header) - len(t.several)
	if t.label >= 0 {
		n--
	}
	return n
}

// memory is what the table takes in bytes, with what its slices leave behind when they grow.
func (t *table) memory() int64 {
	const perValue, perRow, perLabel = 2 * 4, bytesPerSample + 2*4, bytesPerLabel + 2*16
	return int64(len(t.data)+len(t.targets))*perValue + int64(len(t.lines))*perRow + int64(len(t.labels))*perLabel + t.text
}

// tableTruth turns the column of labels, or those of targets, into what they say.
func (p *opener) tableTruth(t *table) (truth, error) {
	line := func(i int) string { return fmt.Sprintf("line %d", t.lines[i]) }
	switch width := len(t.several); {
	case p.o.NoLabels:
		return truth{}, nil
	case width > 0:
		known, err := p.numbers(len(t.lines), width, func(i, k int) float64 { return float64(t.targets[i*width+k]) }, line)
		if err != nil {
			return truth{}, p.fail("", "%w", err)
		}
		return known, nil
	case t.label < 0:
		return truth{}, nil
	}
	if p.o.Values {
		if known, ok, err := p.labelTargets(t, line); ok || err != nil {
			return known, err
		}
	}
	labels, classes, err := p.tableLabels(t)
	return truth{labels: labels, classes: classes}, err
}

// labelTargets takes the label column as numbers, if it holds such, for a network that delivers numbers.
func (p *opener) labelTargets(t *table, line func(i int) string) (known truth, ok bool, err error) {
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
	known, err = numberTargets(len(values), 1, func(i, _ int) float64 { return values[i] }, line)
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
		return nil, nil, p.fail(fmt.Sprintf("line %d", t.lines[fraction]), "label %q in %s is not a class; %s", t.labels[fraction], column, remedy)
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
			return nil, nil, p.fail(fmt.Sprintf("line %d", t.lines[i]), "%w", otherClasses("label %q is none of the %d classes wanted: %s", shorten(l, 40), len(names), list(names)))
		}
		labels[i] = k
	}
	return labels, names, nil
}

// rowGuard ends reading when a row is longer than maxRow or has more than maxColumns, so that a file without line
// ends, or with a quote that is never closed, does not fill the memory. It sees rows in blocks, so its
// counts are those of a row and what was read with it.
type rowGuard struct {
	r              io.Reader
	comma          byte
	bytes, columns int // read since the last row was complete
}

// next starts a row.
func (g *rowGuard) next() { g.bytes, g.columns = 0, 0 }

func (g *rowGuard) Read(b []byte) (int, error) {
	n, err := g.r.Read(b)
	g.bytes += n
	g.columns += bytes.Count(b[:n], []byte{g.comma})
	switch {
	case g.bytes > maxRow:
		return 0, fmt.Errorf("a row is longer than %d bytes, want numbers (is a quote never closed?)", maxRow)
	case g.columns > maxColumns:
		return 0, fmt.Errorf("a row has more than %d columns", maxColumns)
	}
	return n, err
}
