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

// labelColumns are the names a label column has by custom, the likeliest first.
var labelColumns = []string{"label", "labels", "class", "target", "y"}

// Bounds of a row of a CSV file.
const (
	maxRow     = 16 << 20 // bytes
	maxColumns = 1 << 20
)

// table is a CSV file on its way to a Set.
type table struct {
	header []string
	label  int // column, or -1
	data   []float32
	bytes  bool // all values so far are whole numbers 0..255
	labels []string
	lines  []int32 // line in the file of every sample
	text   int64   // bytes of labels and of what is said of broken rows
}

// openCSV reads a header and rows of numbers. The label column may hold names or class
// indices.
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
		row, err := r.Read()
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
	labels, classes, err := p.tableLabels(t)
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
		s, err = p.fromBytes("", b, p.size, dims, labels, classes, nameOf)
		t.data = nil
	} else {
		s, err = p.fromFloats("", t.data, dims, labels, classes, nameOf)
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

// readHeader reads the column names and finds the label column.
func (p *opener) readHeader(t *table, r *csv.Reader) error {
	row, err := r.Read()
	if err == io.EOF {
		return p.fail("", "the file is empty")
	}
	if err != nil {
		return p.fail("", "the header cannot be read: %w", err)
	}
	numbers := 0
	for _, name := range row {
		t.header = append(t.header, strings.TrimSpace(name))
		if _, err := strconv.ParseFloat(strings.TrimSpace(name), 64); err == nil {
			numbers++
		}
	}
	if numbers == len(t.header) {
		return p.fail("line 1", "holds only numbers, want a header with the names of the columns")
	}
	t.label = len(t.header) - 1
	switch {
	case p.part == "-":
		t.label = -1
	case p.part != "":
		if t.label = slices.Index(t.header, p.part); t.label < 0 {
			return p.fail("", "no column %q, there are: %s", p.part, list(t.header))
		}
	default:
		for _, want := range labelColumns {
			if i := slices.IndexFunc(t.header, func(h string) bool { return strings.EqualFold(h, want) }); i >= 0 {
				t.label = i
				break
			}
		}
	}
	if len(t.header) == 1 && t.label == 0 {
		return p.fail("", "has only the column %q, want numbers beside the labels (or #- for no labels)", t.header[0])
	}
	return nil
}

// add takes one row; a broken one leaves the table as it was.
func (t *table) add(row []string, line int) error {
	if len(row) != len(t.header) {
		return fmt.Errorf("%d fields, want %d as in the header", len(row), len(t.header))
	}
	before, whole, label := len(t.data), t.bytes, ""
	for i, f := range row {
		f = strings.TrimSpace(f)
		if i == t.label {
			if label = f; f == "" {
				t.data, t.bytes = t.data[:before], whole
				return fmt.Errorf("column %q, the label, is empty", t.header[i])
			}
			continue
		}
		v, err := strconv.ParseFloat(f, 32)
		if err != nil || notFinite(float32(v)) {
			t.data, t.bytes = t.data[:before], whole
			return fmt.Errorf("column %q is %q, want a number", t.header[i], shorten(f, 40))
		}
		if v != float64(byte(max(0, min(v, 255)))) {
			t.bytes = false
		}
		t.data = append(t.data, float32(v))
	}
	if t.label >= 0 {
		t.labels = append(t.labels, strings.Clone(label))
		t.text += int64(len(label))
	}
	t.lines = append(t.lines, int32(line))
	return nil
}

// columns is how many numbers a row has.
func (t *table) columns() int {
	if t.label < 0 {
		return len(t.header)
	}
	return len(t.header) - 1
}

// memory is what the table takes in bytes, with what its slices leave behind when they grow.
func (t *table) memory() int64 {
	const perValue, perRow, perLabel = 2 * 4, bytesPerSample + 2*4, bytesPerLabel + 2*16
	return int64(len(t.data))*perValue + int64(len(t.lines))*perRow + int64(len(t.labels))*perLabel + t.text
}

// tableLabels turns labels that are all class indices into these, and others into
// positions among the sorted names.
func (p *opener) tableLabels(t *table) ([]int, []string, error) {
	if t.label < 0 {
		return nil, nil, nil
	}
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
			indices, fraction = false, i
		case v < 0 || v > maxClass:
			indices = false
		default:
			labels[i] = int(v)
			top = max(top, labels[i]+1)
		}
	}
	if numbers && fraction >= 0 {
		return nil, nil, p.fail(fmt.Sprintf("line %d", t.lines[fraction]), "label %q in %s is not a class; choose the label column with #name, or #- for none", t.labels[fraction], column)
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
			return nil, nil, p.fail(fmt.Sprintf("line %d", t.lines[i]), "label %q is none of the %d classes wanted: %s", shorten(l, 40), len(names), list(names))
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
