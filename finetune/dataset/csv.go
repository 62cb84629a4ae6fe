package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
)

// Bounds of a row of a CSV file.
const (
	maxRow     = 16 << 20 // bytes
	maxColumns = 1 << 20
)

// openCSV reads a header, which may be missing, and rows of numbers. The label column may hold names, class
// indices or numbers.
func (p *opener) openCSV() (*Set, error) {
	f, err := p.reader()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := newTable(p.o)
	if t.choice, err = p.columnChoice(); err != nil {
		return nil, err
	}
	skipped, err := p.readTable(t, f, "", p.size)
	if err != nil {
		return nil, err
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
	var s *Set
	if t.bytes {
		b := make([]byte, len(t.data))
		for i, v := range t.data {
			b[i] = byte(v)
		}
		s, err = p.fromBytes("", b, p.size, dims, known, t.place)
		t.data = nil
	} else {
		s, err = p.fromFloats("", t.data, dims, known, t.place)
	}
	if err != nil {
		return nil, err
	}
	s.Skipped = skipped
	return s, nil
}

// columnChoice is which columns say what the samples are, as what stands after # or [Sequence].LabelColumn has it.
func (p *opener) columnChoice() (string, error) {
	if column := p.o.LabelColumn; column != "" {
		if p.part != "" && p.part != column {
			return "", p.fail("", "the label column is %q after #, and %q by the option; give one of both", p.part, column)
		}
		return column, nil
	}
	return p.part, nil
}

// readTable adds the rows of a file of the given size, which has a name where it is one of several, to a table, and returns
// a line for every broken one that was left out.
func (p *opener) readTable(t *table, file io.Reader, fileName string, size int64) (skipped []string, err error) {
	br := bufio.NewReaderSize(file, 1<<16)
	if b, _ := br.Peek(3); bytes.Equal(b, []byte("\xef\xbb\xbf")) {
		br.Discard(3)
	}
	first, _ := br.Peek(1 << 16)
	guard := &rowGuard{r: br, comma: byte(separator(first))}
	r := csv.NewReader(guard)
	r.Comma = rune(guard.comma)
	r.FieldsPerRecord, r.ReuseRecord = -1, true

	t.begin(fileName)
	place := func(where string) string {
		switch {
		case fileName == "":
			return where
		case where == "":
			return fileName
		}
		return fileName + ": " + where
	}
	if err := p.readHeader(t, r, place); err != nil {
		return nil, err
	}
	allowed := p.o.Allowance(size)
	for {
		guard.next()
		row, err := t.first, error(nil)
		if row == nil {
			row, err = r.Read()
		}
		if err == io.EOF {
			return skipped, nil
		}
		var parse *csv.ParseError
		if err != nil && !errors.As(err, &parse) {
			return nil, p.fail(place(""), "%w", err)
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
			return nil, p.fail(place(where), "%w", err)
		}
		if err != nil {
			skipped = append(skipped, place(where)+": "+oneLine(err))
			t.text += int64(len(skipped[len(skipped)-1])) + 2*16
			t.gap()
		}
		if need := t.memory(); need > allowed {
			return nil, p.fail(place(where), "%w", tooLarge("the table so far", need, allowed))
		}
	}
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
