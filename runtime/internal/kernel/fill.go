package kernel

// fillJob is what vectorFill needs to know about a term. Assembly knows the order of
// fields.
type fillJob struct {
	dstChan int // bytes of the planes of a channel
	srcChan int // elements of an input channel
	pitch   int // bytes of a plane row
	srcRow  int // elements from one plane row to the next
	zero    int // the index worth zero
	bytes   int // of the vector that is stored at once
	stride  int // columns, 1 or 2
	wide    bool
	vector  Vector
}

// fillPiece is a run of columns of one plane, at most as many as a vector has. Rows are written
// from left to right and from top to bottom, except that pieces of a row are ordered
// from right to left: what a piece writes beyond its columns is written again.
type fillPiece struct {
	dst, src int // of the first column, relative to the channel; src in the first row inside
	// Which columns lie inside the input. AVX512: masks of the bytes that are read from src
	// on. Others: positions in laneRuns of the masks of the lanes not before the first and
	// not behind the last of them; bytes around the input are read, but not used.
	mask, maskHigh       uint64
	above, inside, below int // rows
}

// Margin is the number of bytes around every input of a Run that must be readable: vectors are
// loaded whole.
const Margin = 64

// laneRuns is cut to masks of 32 bytes in which a first or last run is set.
var laneRuns [96]byte

func init() {
	for i := 32; i < 64; i++ {
		laneRuns[i] = 0xFF
	}
}

// fillSlack is the number of bytes that may be written behind the rows.
const fillSlack = 64

// vectorFills says whether vectors fill the rows of a term with these columns.
func (k *Grouped) vectorFills(columns axis) bool {
	return k.vector.has().fillBytes > 0 && columns.stride <= 2
}

// prepareFill makes the job and the pieces of every tile for vectors.
func (t *groupedTerm) prepareFill(k *Grouped, lay *tiling) {
	wide := k.groupUnits == 0
	lanes := lay.cols * k.laneBytes()
	t.job = fillJob{
		dstChan: t.chanBytes, srcChan: t.plane, pitch: t.pitch, srcRow: t.strideElem,
		zero: int(t.zero), bytes: 16, stride: t.strideCol, wide: wide, vector: k.vector,
	}
	for t.job.bytes < k.vector.has().fillBytes && t.job.bytes < lanes {
		t.job.bytes *= 2
	}
	if lay.strips > 1 {
		t.job.bytes = lanes // exactly: the next bytes belong to another strip
	}
	per := t.job.bytes / k.laneBytes() // columns of a piece
	for ty := range t.tiles {
		rows := min(lay.rows, lay.total[0]-ty*lay.rows)
		for tx := range len(t.planes[0].cols) {
			cols := min(lay.cols, lay.total[1]-tx*lay.cols)
			var list []fillPiece
			for _, p := range t.planes {
				r := p.cols[tx]
				n := rows/lay.strips + p.rows
				for strip := range lay.strips {
					row := t.tiles[ty].row + p.first + strip*(rows/lay.strips)*t.strideRow
					above, inside := t.inside(row, n)
					if r.lo >= r.hi || inside == 0 {
						above, inside = 0, 0
					}
					for c := (cols - 1) / per * per; c >= 0; c -= per {
						q := fillPiece{
							dst:   p.off + strip*lanes + c*k.laneBytes(),
							src:   (row+above*t.strideRow)*t.width + r.from + (c-r.lo)*t.strideCol,
							above: above, inside: inside, below: n - above - inside,
						}
						if max(c, r.lo) >= min(c+per, r.hi) {
							q.above, q.inside, q.below = 0, 0, n
						}
						q.setMasks(&t.job, max(c, r.lo)-c, min(c+per, r.hi)-c, k.laneBytes())
						list = append(list, q)
					}
				}
			}
			t.pieces = append(t.pieces, list)
		}
	}
}

// inside tells how many of n plane rows from input row row on lie above the input, and how many inside.
func (t *groupedTerm) inside(row, n int) (above, inside int) {
	for above < n && row+above*t.strideRow < 0 {
		above++
	}
	for above+inside < n && row+(above+inside)*t.strideRow < t.height {
		inside++
	}
	return above, inside
}

// setMasks says that columns lo..hi-1 of the piece lie inside the input, none where hi <= lo.
func (q *fillPiece) setMasks(job *fillJob, lo, hi, laneBytes int) {
	if job.vector != AVX512 {
		hi = max(hi, 0)
		lo = min(lo, job.bytes/laneBytes)
		q.mask, q.maskHigh = uint64(32-lo*laneBytes), uint64(64-hi*laneBytes)
		return
	}
	for i := lo; i < hi; i++ {
		at := i * job.stride
		if at < job.bytes {
			q.mask |= 1 << at
		} else {
			q.maskHigh |= 1 << (at - job.bytes)
		}
	}
}
