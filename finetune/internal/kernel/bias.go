package kernel

import "fmt"

// AddRow adds b [cols] to every row of y [rows][cols].
func AddRow(y []float32, cols int, b []float32) {
	need("AddRow", "b", len(b), cols)
	needMultiple("AddRow", "y", len(y), cols)
	for ; len(y) > 0; y = y[cols:] {
		axpy(y[:cols], 1, b)
	}
}

// SumRows sets db [cols] to the sum of the rows of dy [rows][cols]: the gradient of AddRow.
func SumRows(db, dy []float32, cols int) {
	need("SumRows", "db", len(db), cols)
	needMultiple("SumRows", "dy", len(dy), cols)
	clear(db)
	for ; len(dy) > 0; dy = dy[cols:] {
		axpy(db, 1, dy[:cols])
	}
}

// AddChannels adds b[c] to every element of y[n][c], y being [n][len(b)][plane].
func AddChannels(y []float32, plane int, b []float32) {
	needMultiple("AddChannels", "y", len(y), plane*len(b))
	if plane == 1 {
		AddRow(y, len(b), b)
		return
	}
	for i := 0; len(y) > 0; i, y = i+1, y[plane:] {
		scale(y[:plane], 1, b[i%len(b)], y[:plane])
	}
}

// SumChannels sets db[c] to the sum of all elements of dy[n][c], dy being
// [n][len(db)][plane]: the gradient of AddChannels.
func SumChannels(db, dy []float32, plane int) {
	needMultiple("SumChannels", "dy", len(dy), plane*len(db))
	if plane == 1 {
		SumRows(db, dy, len(db))
		return
	}
	clear(db)
	for i := 0; len(dy) > 0; i, dy = i+1, dy[plane:] {
		db[i%len(db)] += sum(dy[:plane])
	}
}

func needMultiple(where, name string, got, of int) {
	if of < 1 || got%of != 0 {
		panic(fmt.Sprintf("BUG: kernel: %s: %s has %d elements, want a multiple of %d", where, name, got, of))
	}
}
