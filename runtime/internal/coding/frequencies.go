package coding

import (
	"errors"
	"math/bits"
)

// Frequencies of a tANS table are 0 or more per index and add up to a power of two.
// They are coded in order of the index until the sum is reached; the indices after that
// have frequency 0. Neighbouring centres occur about equally often, so each frequency is
// coded as its difference from a running mean, in an exponential Golomb code whose order
// follows the differences seen. A frequency 0 is followed by the number of zeros that
// follow it, in the same code with order 0.

var (
	errEntries = errors.New("the frequency table has more entries than there are centres")
	errSum     = errors.New("the frequencies add up to more than the table holds")
	errNumber  = errors.New("a number of the frequency table is too large")
)

// freqModel predicts the next frequency.
type freqModel struct {
	mean uint32 // of the frequencies, halving the weight of each older one; in units of 1/2
	dev  uint32 // of the coded values, weights falling by 3/4; in units of 1/4
}

// newFreqModel starts with frequencies that add up to 1<<log.
func newFreqModel(log uint) freqModel {
	return freqModel{mean: 0, dev: 1 << (log - 2)}
}

// predict is the expected frequency.
func (m *freqModel) predict() uint32 { return (m.mean + 1) >> 1 }

// order is the order of the exponential Golomb code of the next difference: one less than
// the bits below the highest of dev in whole units, but at least 0.
func (m *freqModel) order() uint {
	if m.dev < 16 {
		return 0
	}
	return uint(bits.Len32(m.dev)) - 4
}

// update learns frequency f, which was coded as v.
func (m *freqModel) update(f, v uint32) {
	m.mean += f - (m.mean+1)>>1
	m.dev += v - (m.dev+2)>>2
}

// fold maps the difference f-p to 0, 1, 2, ...: 0, -1, 1, -2, 2, ...
func fold(f, p uint32) uint32 {
	if f < p {
		return (p-f)<<1 - 1
	}
	return (f - p) << 1
}

// unfold is the f that fold(f, p) = v stands for; it may wrap below 0.
func unfold(v, p uint32) uint32 {
	if v&1 != 0 {
		return p - (v+1)>>1
	}
	return p + v>>1
}

// putGolomb writes v < 1<<24 in the exponential Golomb code of an order below 16: as many
// zeros as v + 1<<order has bits beyond order+1, a one, and the bits below the highest.
func (w *BitWriter) putGolomb(v uint32, order uint) {
	v += 1 << order
	low := uint(bits.Len32(v)) - 1
	w.Put(1<<(low-order), low-order+1)
	w.Put(v, low)
}

// getGolomb reads what putGolomb wrote.
func (r *BitReader) getGolomb(order uint) (v uint32, err error) {
	low := order
	for {
		b, ok := r.Get(1)
		if !ok {
			return 0, errShort
		}
		if b == 1 {
			break
		}
		if low++; low > 24 {
			return 0, errNumber
		}
	}
	v, ok := r.Get(low)
	if !ok {
		return 0, errShort
	}
	return v + 1<<low - 1<<order, nil
}

// putFrequencies writes freqs, which add up to 1<<log.
func (w *BitWriter) putFrequencies(freqs []uint32, log uint) {
	m := newFreqModel(log)
	left := uint32(1) << log
	for s := 0; left > 0; s++ {
		f := freqs[s]
		v := fold(f, m.predict())
		w.putGolomb(v, m.order())
		m.update(f, v)
		left -= f
		if f == 0 {
			zeros := 0
			for freqs[s+1+zeros] == 0 {
				zeros++
			}
			w.putGolomb(uint32(zeros), 0)
			s += zeros
		}
	}
}

// freqReader reads frequencies one after the other.
type freqReader struct {
	bits  *BitReader
	model freqModel
	left  uint32 // what the sum lacks
	index int    // of the next frequency
	size  int    // indices are less
}

// frequencies starts to read frequencies that add up to 1<<log, of indices below size.
func (r *BitReader) frequencies(log uint, size int) freqReader {
	return freqReader{bits: r, model: newFreqModel(log), left: 1 << log, size: size}
}

// next reads the next frequency that is not 0; f is 0 after the last one.
func (r *freqReader) next() (index int, f uint32, err error) {
	for r.left > 0 {
		if r.index >= r.size {
			return 0, 0, errEntries
		}
		v, err := r.bits.getGolomb(r.model.order())
		if err != nil {
			return 0, 0, err
		}
		f := unfold(v, r.model.predict())
		if f > r.left {
			return 0, 0, errSum
		}
		r.model.update(f, v)
		r.left -= f
		r.index++
		if f > 0 {
			return r.index - 1, f, nil
		}
		zeros, err := r.bits.getGolomb(0)
		if err != nil {
			return 0, 0, err
		}
		if uint64(r.index)+uint64(zeros) > uint64(r.size) {
			return 0, 0, errEntries
		}
		r.index += int(zeros)
	}
	return 0, 0, nil
}
