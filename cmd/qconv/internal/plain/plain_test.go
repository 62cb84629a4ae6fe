package plain

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
)

// everything has a field of every kind.
type everything struct {
	I     int
	U     uint
	Small int8
	B     bool
	Bools []bool
	F     float32
	G     []float64
	Ints  []int
	Long  []int32
	S     string
	Texts []string
	Pair  [2]float64
	Map   map[string][]float32
	Inner *inner
	None  *inner
	List  []inner
}

type inner struct{ X, Y float32 }

func sample() everything {
	return everything{
		I: -5, U: 7, Small: -1, B: true, Bools: []bool{true, false}, F: float32(math.Inf(1)), G: []float64{1, -0.5}, Ints: []int{3, -3},
		Long: make([]int32, 3*chunk+5), S: "text", Texts: []string{"", "a"}, Pair: [2]float64{1, 2},
		Map: map[string][]float32{"b": {1}, "a": nil, "": {2, 3}}, Inner: &inner{1, 2}, List: []inner{{3, 4}, {5, 6}},
	}
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	want.Long[3*chunk+4] = 9
	var first []byte
	for range 5 {
		var b bytes.Buffer
		if err := Write(&b, want); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		}
		if !bytes.Equal(first, b.Bytes()) {
			t.Fatal("the same value gives other bytes")
		}
		var got everything
		if err := Read(&b, int64(b.Len()), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestReadErrors cuts the bytes off everywhere, adds one, and asks for more elements than there are bytes.
func TestReadErrors(t *testing.T) {
	small := sample()
	small.Long = nil
	var b bytes.Buffer
	if err := Write(&b, small); err != nil {
		t.Fatal(err)
	}
	for n := range b.Len() {
		if Read(bytes.NewReader(b.Bytes()[:n]), int64(n), new(everything)) == nil {
			t.Fatalf("cut to %d bytes: no error", n)
		}
	}
	if err := Read(bytes.NewReader(append(b.Bytes(), 0)), int64(b.Len()+1), new(everything)); err == nil || !strings.Contains(err.Error(), "left over") {
		t.Errorf("a byte more: got %v", err)
	}
	for _, n := range []uint64{3, 1 << 32, 1 << 62, math.MaxUint64} {
		many := append(binary.LittleEndian.AppendUint64(nil, n), 1, 2, 3, 4, 5, 6, 7, 8)
		for _, v := range []any{new([]float32), new(string), new([]string), new(map[string]bool), new([]inner)} {
			if allocated := testing.AllocsPerRun(1, func() {
				if Read(bytes.NewReader(many[:8]), 8, v) == nil {
					t.Errorf("%d elements in no bytes, %T: no error", n, v)
				}
			}); allocated > 100 {
				t.Errorf("%d elements of %T: %g allocations", n, v, allocated)
			}
		}
	}
	unsorted := []byte{2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'b', 1, 1, 0, 0, 0, 0, 0, 0, 0, 'a', 1}
	if err := Read(bytes.NewReader(unsorted), int64(len(unsorted)), new(map[string]bool)); err == nil || !strings.Contains(err.Error(), `"a" comes after "b"`) {
		t.Errorf("keys that fall: got %v", err)
	}
}

func TestLayout(t *testing.T) {
	if got, want := Layout(reflect.TypeFor[struct {
		A map[string]*inner
		B [2]int
	}]()), "{A map *{X float32;Y float32};B [2]int}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
