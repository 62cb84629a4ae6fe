package kernel

// wordFill is what fillWords needs to know about a term. Assembly knows the order of fields.
type wordFill struct {
	dstChan int // bytes of the planes of a channel
	srcChan int // elements of an input channel
	pitch   int // bytes of a plane row, whole words
	srcRow  int // elements from one plane row to the next
	stride  int // columns
	zero    int // the index worth zero
	whole   int // 1: rows are moved as words
}

// wordPiece is one plane in a tile: rows above the input, inside, and below. Assembly knows the order of fields.
//
// With a stride of 1 a row inside is moved as words, unless many of its columns lie outside the input: those are moved as well, and
// set then. Up to 3 bytes before the columns of a row are read and up to 7 behind them, see [Margin], and bytes
// behind the last column of a row of the plane may be anything.
type wordPiece struct {
	dst    int // relative to the channel
	src    int // relative to the channel; of words what column 0 meets, else the first column inside
	above  int // words of 4 bytes
	below  int // words
	bottom int // where they begin, relative to the channel
	rows   int // inside
	cols   int // words of a row, else columns inside
	before int // columns outside the input before those inside
	after  int // the first column behind them
	behind int // columns behind them
}

// prepareWords makes the pieces of every tile for words without vectors.
func (t *groupedTerm) prepareWords(k *Grouped, lay *tiling) {
	t.wordJob = wordFill{dstChan: t.chanBytes, srcChan: t.plane, pitch: t.pitch, srcRow: t.strideElem, stride: t.strideCol, zero: int(t.zero)}
	if t.movesWords(lay) {
		t.wordJob.whole = 1
	}
	words := t.pitch / tapBytes
	for ty := range t.tiles {
		rows := min(lay.rows, lay.total[0]-ty*lay.rows)
		for tx := range len(t.planes[0].cols) {
			cols := min(lay.cols, lay.total[1]-tx*lay.cols)
			var list []wordPiece
			for _, p := range t.planes {
				r := p.cols[tx]
				row := t.tiles[ty].row + p.first
				above, inside := t.inside(row, rows+p.rows)
				if r.lo >= r.hi || inside == 0 {
					above, inside = rows+p.rows, 0
				}
				q := wordPiece{
					dst:    p.off,
					src:    (row+above*t.strideRow)*t.width + r.from,
					above:  above * words,
					below:  (rows + p.rows - above - inside) * words,
					bottom: p.off + (above+inside)*t.pitch,
					rows:   inside,
					cols:   r.hi - r.lo,
					before: r.lo,
					after:  r.hi,
					behind: cols - r.hi,
				}
				if t.wordJob.whole == 1 {
					q.src -= r.lo
					q.cols = ceilDiv(cols, tapBytes)
					if q.before+q.behind == 0 && t.pitch == cols && t.strideElem == cols && inside > 0 {
						q.rows, q.cols = 1, inside*words // all rows are one
					}
				}
				list = append(list, q)
			}
			t.words = append(t.words, list)
		}
	}
	if len(t.words) > 1 || k.vector.any() {
		return
	}
	// What lies above and below the input stays from section to section. Vectors may write behind the rows of another term.
	for _, q := range t.words[0] {
		if q.rows > 0 {
			q.dst += q.above * tapBytes
			q.above, q.below = 0, 0
			t.again = append(t.again, q)
		}
	}
}

// outsideWords is the most columns outside the input on one side that are moved as words.
const outsideWords = 16

// movesWords says whether rows are moved as words.
func (t *groupedTerm) movesWords(lay *tiling) bool {
	if t.strideCol != 1 {
		return false
	}
	for _, p := range t.planes {
		for tx, r := range p.cols {
			cols := min(lay.cols, lay.total[1]-tx*lay.cols)
			if r.lo < r.hi && (r.lo > outsideWords || cols-r.hi > outsideWords) {
				return false
			}
		}
	}
	return true
}
