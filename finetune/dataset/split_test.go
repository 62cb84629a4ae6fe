package dataset

import (
	"archive/zip"
	"fmt"
	"math"
	"slices"
	"testing"
)

// labelled is a set with counts[c] samples of class c, the classes mixed.
func labelled(t testing.TB, counts ...int) *Set {
	t.Helper()
	var labels []byte
	for more := true; more; {
		more = false
		for c := range counts {
			if counts[c] > 0 {
				counts[c]--
				labels = append(labels, byte(c))
				more = true
			}
		}
	}
	n := len(labels)
	return open(t, npzOf(t, files{
		"x.npy": npyData("<u2", false, fmt.Sprintf("(%d, 1)", n), little(sequence(n)...)),
		"y.npy": npyData("|u1", false, fmt.Sprintf("(%d,)", n), labels),
	}), Options{})
}

func sequence(n int) []uint16 {
	out := make([]uint16, n)
	for i := range out {
		out[i] = uint16(300 + i)
	}
	return out
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		counts   []int
		fraction float64
		val      []int // per class; nil = not looked at
		total    int
	}{
		{[]int{50, 30, 20}, 0.1, []int{5, 3, 2}, 10},
		{[]int{50, 30, 20}, 0.25, nil, 25},
		{[]int{3, 3, 3, 3}, 0.25, nil, 3},
		{[]int{10, 1}, 0.1, []int{1, 0}, 1},
		{[]int{5, 5}, 0, []int{0, 0}, 0},
		{[]int{5, 5}, 1, []int{5, 5}, 10},
		{[]int{5, 5}, 7, []int{5, 5}, 10},
		{[]int{5, 5}, -1, []int{0, 0}, 0},
		{[]int{5, 5}, math.NaN(), []int{0, 0}, 0},
		{[]int{1000}, 0.2, []int{200}, 200},
	} {
		s := labelled(t, slices.Clone(c.counts)...)
		train, val := Split(s, c.fraction, 3)
		if val.Len() != c.total || train.Len() != s.Len()-c.total {
			t.Errorf("%v at %v: %d and %d samples, want %d in val", c.counts, c.fraction, train.Len(), val.Len(), c.total)
		}
		if c.val != nil && !slices.Equal(val.Counts(), c.val) {
			t.Errorf("%v at %v: val has %v, want %v", c.counts, c.fraction, val.Counts(), c.val)
		}
		for class, n := range val.Counts() {
			if share := c.fraction * float64(c.counts[class]); c.fraction >= 0 && c.fraction <= 1 && math.Abs(float64(n)-share) >= 1 {
				t.Errorf("%v at %v: class %d has %d in val, want about %v", c.counts, c.fraction, class, n, share)
			}
		}
		seen := map[float32]int{}
		for _, part := range []*Set{train, val} {
			if !slices.IsSorted(part.index) {
				t.Errorf("%v at %v: the order is not kept", c.counts, c.fraction)
			}
			for i := range part.Len() {
				v := floatsOf(t, part, i)[0]
				seen[v]++
				if part.Labels[i] != s.Labels[int(v)-300] {
					t.Errorf("%v at %v: sample %v has label %d", c.counts, c.fraction, v, part.Labels[i])
				}
			}
		}
		if len(seen) != s.Len() {
			t.Errorf("%v at %v: %d different samples, want %d", c.counts, c.fraction, len(seen), s.Len())
		}
		if _, again := Split(s, c.fraction, 3); !slices.Equal(again.index, val.index) {
			t.Errorf("%v at %v: the same seed gives another split", c.counts, c.fraction)
		}
	}
	s := labelled(t, 100)
	_, a := Split(s, 0.5, 1)
	_, b := Split(s, 0.5, 2)
	if slices.Equal(a.index, b.index) {
		t.Error("two seeds give the same split")
	}
	plain := open(t, npzOf(t, files{"x.npy": npyData("|u1", false, "(10, 1)", count(10))}), Options{})
	if train, val := Split(plain, 0.3, 1); train.Len() != 7 || val.Len() != 3 || val.Labels != nil {
		t.Errorf("without labels: %d and %d samples", train.Len(), val.Len())
	}
}

func TestSampleOfSubset(t *testing.T) {
	s := labelled(t, 20, 20)
	part := s.Subset([]int{5, 6, 7}).Sample(2, 1)
	if part.Len() != 2 {
		t.Fatalf("got %d samples, want 2", part.Len())
	}
	for i := range part.Len() {
		if v := floatsOf(t, part, i)[0]; v < 305 || v > 307 {
			t.Errorf("sample %d is %v, want one of 305, 306, 307", i, v)
		}
	}
	if n := s.Sample(100, 1).Len(); n != 40 {
		t.Errorf("all samples: %d, want 40", n)
	}
	if n := s.Sample(-1, 1).Len(); n != 0 {
		t.Errorf("no samples: %d, want 0", n)
	}
}

func TestOverlap(t *testing.T) {
	pic := func(i int) []byte { return grayPNG(t, 3, 3, i) }
	one := files{"a/1.png": pic(1), "a/2.png": pic(2), "b/3.png": pic(3)}
	two := files{"a/9.png": pic(3), "b/8.png": pic(1), "b/7.png": pic(7), "b/6.png": pic(1)}
	broken := files{"a/9.png": []byte("x"), "b/8.png": nil}
	u := func(data ...byte) *Set {
		return open(t, npzOf(t, files{"x.npy": npyData("|u1", false, fmt.Sprintf("(%d, 1, 1)", len(data)), data)}), Options{})
	}
	f := func(data ...float32) *Set {
		return open(t, npzOf(t, files{"x.npy": npyData("<f4", false, fmt.Sprintf("(%d, 1)", len(data)), little(data...))}), Options{})
	}
	white := files{"a.png": grayPNG(t, 1, 1, 4), "b.png": grayPNG(t, 1, 1, 5)}.folder(t)
	self := open(t, one.zip(t, zip.Store), Options{})
	for _, c := range []struct {
		name string
		a, b *Set
		want int
	}{
		{"itself", self, self, 3},
		{"zip and zip", self, open(t, two.zip(t, zip.Deflate), Options{}), 3},
		{"folder and zip", open(t, one.folder(t), Options{}), open(t, two.zip(t, zip.Deflate), Options{}), 3},
		{"folders", open(t, two.folder(t), Options{}), open(t, one.folder(t), Options{}), 2},
		{"subset", self.Subset([]int{0, 1}), self.Subset([]int{1, 2}), 1},
		{"broken", open(t, broken.folder(t), Options{Channels: 1, Height: 3, Width: 3}), open(t, one.folder(t), Options{}), 0},
		{"bytes", u(1, 2, 3, 4), u(3, 3, 9, 4), 3},
		{"floats", f(0.5, 1, 2), f(2, 0.25), 1},
		{"kinds", u(1, 2, 3), f(1.5, 2, 3), 0},
		{"pictures and array", open(t, white, Options{}), u(4, 4, 6), 2},
		{"shapes", open(t, one.folder(t), Options{}), u(1, 2), 0},
	} {
		if got := Overlap(c.a, c.b); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestEvenly(t *testing.T) {
	set := &Set{Labels: []int{0, 1, 2, 3, 4, 5, 6}, index: []int32{0, 1, 2, 3, 4, 5, 6}}
	for _, c := range []struct {
		n    int
		want []int
	}{{0, set.Labels}, {7, set.Labels}, {9, set.Labels}, {3, []int{0, 2, 4}}, {1, []int{0}}} {
		if got := set.Evenly(c.n).Labels; !slices.Equal(got, c.want) {
			t.Errorf("%d of 7: got %v, want %v", c.n, got, c.want)
		}
	}
}

// TestApart demands that no sample is in both parts, and the first part to be that of Evenly.
func TestApart(t *testing.T) {
	s := labelled(t, 40, 60)
	for _, c := range []struct{ first, second, wantFirst, wantSecond int }{{30, 20, 30, 20}, {30, 100, 30, 70}, {100, 10, 100, 0}, {0, 10, 100, 0}, {99, 10, 99, 1}, {1, 0, 1, 99}} {
		a, b := s.Apart(c.first, c.second)
		if a.Len() != c.wantFirst || b.Len() != c.wantSecond || len(b.Labels) != b.Len() {
			t.Errorf("%+v: got %d and %d samples", c, a.Len(), b.Len())
		}
		if !slices.Equal(a.index, s.Evenly(c.first).index) {
			t.Errorf("%+v: the first part is another one than that of Evenly", c)
		}
		for _, i := range a.index {
			if slices.Contains(b.index, i) {
				t.Errorf("%+v: sample %d is in both parts", c, i)
			}
		}
	}
}
