package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// npyFile writes an array of zeros of type float32.
func npyFile(t *testing.T, shape string, elems int) string {
	t.Helper()
	head := "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }"
	for (10+len(head)+1)%64 != 0 {
		head += " "
	}
	head += "\n"
	data := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, append(append(data, head...), make([]byte, 4*elems)...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOneSampleWithoutLeadingAxis demands that an array as large as a sample is one, whatever its shape.
func TestOneSampleWithoutLeadingAxis(t *testing.T) {
	for _, c := range []struct {
		shape string
		elems int
		want  []int
		count int
	}{
		{"2,3", 6, []int{2, 3}, 1},
		{"1,2,3", 6, []int{2, 3}, 1},
		{"4,2,3", 24, []int{2, 3}, 4},
		{"5,", 5, []int{5}, 1},
		{"5,", 5, []int{1}, 5},
		{"", 1, []int{1}, 1},
		{"2,3,4,5", 120, []int{2, 3, 4, 5}, 1},
	} {
		s, err := Open(npyFile(t, c.shape, c.elems), Options{Shape: c.want})
		if err != nil {
			t.Errorf("(%s) for %v: %v", c.shape, c.want, err)
			continue
		}
		if s.Len() != c.count || s.Elems() != elems(c.want) {
			t.Errorf("(%s) for %v: %d samples of %v, want %d", c.shape, c.want, s.Len(), s.Shape, c.count)
		}
	}
}

// TestProgramShapes demands that data in the shape of a network's input suit the program made of it, which has three dimensions everywhere.
func TestProgramShapes(t *testing.T) {
	for _, c := range []struct {
		shape   string
		elems   int
		want    []int
		count   int
		refused bool
	}{
		{"5,3,64", 5 * 192, []int{3, 1, 64}, 5, false},
		{"3,64", 192, []int{3, 1, 64}, 1, false},
		{"1,3,64", 192, []int{3, 1, 64}, 1, false},
		{"5,1,64", 5 * 64, []int{1, 1, 64}, 5, false},
		{"5,64", 5 * 64, []int{1, 1, 64}, 5, false},
		{"5,3,2,4,8", 5 * 192, []int{3, 64, 1}, 5, false},
		{"5,28,28", 5 * 784, []int{1, 28, 28}, 5, false},
		{"5,64,3", 5 * 192, []int{3, 1, 64}, 5, true},
		{"5,3,63", 5 * 189, []int{3, 1, 64}, 5, true},
	} {
		o := Options{Shape: c.want, Channels: c.want[0], Height: c.want[1], Width: c.want[2]}
		s, err := Open(npyFile(t, c.shape, c.elems), o)
		switch {
		case c.refused && err == nil:
			t.Errorf("(%s) for %v: %d samples of %v, want an error", c.shape, c.want, s.Len(), s.Shape)
		case c.refused:
		case err != nil:
			t.Errorf("(%s) for %v: %v", c.shape, c.want, err)
		case s.Len() != c.count || !slices.Equal(s.Shape, c.want):
			t.Errorf("(%s) for %v: %d samples of %v, want %d", c.shape, c.want, s.Len(), s.Shape, c.count)
		}
	}
}

// TestRowsAreNoSample demands that rows of a table, which have labels, are not taken for one sample that they are together as large as.
func TestRowsAreNoSample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(path, []byte("a,b,c,label\n1,2,3,0\n4,5,6,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(path, Options{Shape: []int{6}}); err == nil {
		t.Errorf("two rows of three numbers are %d samples of %v", s.Len(), s.Shape)
	}
}

func TestDivides(t *testing.T) {
	for _, c := range []struct {
		dims, whole []int
		want        bool
	}{
		{[]int{3, 2, 2, 2}, []int{3, 8}, true},
		{[]int{2, 3, 8}, []int{6, 8}, true},
		{[]int{6}, []int{6}, true},
		{[]int{4, 2, 3}, []int{3, 8}, false},
		{[]int{3, 4}, []int{3, 8}, false},
		{[]int{3, 8, 2}, []int{3, 8}, false},
	} {
		if got := divides(c.dims, c.whole); got != c.want {
			t.Errorf("%v of %v: got %v", c.dims, c.whole, got)
		}
	}
	in, err := LoadInput(npyFile(t, "3,2,2,2", 24), Options{Shape: []int{3, 8, 1}})
	if err != nil || in.Count != 1 || !slices.Equal(in.Shape, []int{3, 8, 1}) {
		t.Errorf("got %+v, %v", in, err)
	}
}
