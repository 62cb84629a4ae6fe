package page

import "fmt"

// Column is the head of a column.
type Column struct {
	Title string
	Right bool // cells are aligned to the right, as numbers are
}

// Left is a column of words.
func Left(title string) Column { return Column{Title: title} }

// Right is a column of numbers.
func Right(title string) Column { return Column{Title: title, Right: true} }

// Table is a table that scrolls inside itself where it is wider than the page.
type Table struct {
	Columns []Column
	Rows    [][]cell
}

// cell is what the template shows in a row; Picture, where it is set, is above the text.
type cell struct {
	Text           string
	Right, Strong  bool
	Picture        *Picture
	Bar            bool
	Percent, Shade float64 // Percent is of a bar's width, Shade of the colour that lies under the text
}

// Share is a cell with a bar whose length shows a part in 0..1.
type Share struct {
	Part float64
	Text string
}

// Shade is a cell whose background shows a part in 0..1, as in a confusion matrix.
type Shade struct {
	Part float64
	Text string
}

// Strong is a cell in bold letters.
type Strong string

// Row adds a row. A cell may be a *Picture, a Share, a Shade, a Strong, or anything that fmt.Sprint
// prints. Where there are fewer cells than columns, the last ones stay empty; more are a mistake of the caller's.
func (t *Table) Row(cells ...any) {
	if len(cells) > len(t.Columns) {
		panic(fmt.Sprintf("BUG: page: a row has %d cells, want up to %d", len(cells), len(t.Columns)))
	}
	row := make([]cell, len(t.Columns))
	for i, c := range t.Columns {
		row[i].Right = c.Right
		if i >= len(cells) {
			continue
		}
		switch v := cells[i].(type) {
		case *Picture:
			row[i].Picture = v
		case Share:
			row[i].Text, row[i].Bar, row[i].Percent = v.Text, true, percent(v.Part)
		case Shade:
			row[i].Text, row[i].Shade = v.Text, percent(v.Part)
		case Strong:
			row[i].Text, row[i].Strong = string(v), true
		default:
			row[i].Text = fmt.Sprint(v)
		}
	}
	t.Rows = append(t.Rows, row)
}

// Long says that a text is broken into lines.
func (c cell) Long() bool { return len(c.Text) > longText }

// longText is how many bytes a cell has at most in one line.
const longText = 60

// percent is a part in 0..1, also of what is none, rounded so that pages do not depend on the last digits.
func percent(part float64) float64 {
	if !(part > 0) {
		return 0
	}
	return float64(int(1000*min(part, 1))) / 10
}
