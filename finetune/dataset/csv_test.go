package dataset

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

func csvFile(t testing.TB, text string) string {
	return files{"a.csv": []byte(text)}.folder(t) + "/a.csv"
}

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		name, text, part string
		kind             Kind
		classes          []string
		labels           []int
		first            []float32
	}{
		{"last column", "a,b,kind\n0.5,1,x\n2,3,y\n4,5,x\n", "", Floats, []string{"x", "y"}, []int{0, 1, 0}, []float32{0.5, 1}},
		{"label column", "Label,b,c\n7,1,2\n0,3,4\n", "", Pixels, []string{"0", "1", "2", "3", "4", "5", "6", "7"}, []int{7, 0}, []float32{1, 2}},
		{"label before y", "y,x,class\n1,2,a\n3,4,b\n", "", Pixels, []string{"a", "b"}, []int{0, 1}, []float32{1, 2}},
		{"chosen", "a,b,class\n0,1,x\n1,3,x\n", "#a", Pixels, nil, nil, nil},
		{"chosen number", "a,b\n0,1\n1,300\n", "#a", Floats, []string{"0", "1"}, []int{0, 1}, []float32{1}},
		{"none", "a,y\n0,1\n2,3\n", "#-", Pixels, nil, nil, []float32{0, 1}},
		{"semicolons", "a;b;kind\r\n1;-2;x\r\n", "", Floats, []string{"x"}, []int{0}, []float32{1, -2}},
		{"tabs", "a\tb\tkind\n1\t2\tx y\n", "", Pixels, []string{"x y"}, []int{0}, []float32{1, 2}},
		{"spaces and quotes", "\"a\", b, label\n 1 ,\"2\",\"x, y\"\n", "", Pixels, []string{"x, y"}, []int{0}, []float32{1, 2}},
		{"mark", "\xef\xbb\xbflabel,b\nz,1\n", "", Pixels, []string{"z"}, []int{0}, []float32{1}},
		{"signed classes", "a,y\n1,-1\n2,1\n", "", Pixels, []string{"-1", "1"}, []int{0, 1}, []float32{1}},
		{"label as float", "a,y\n1,1.0\n2,0.0\n", "", Pixels, []string{"0", "1"}, []int{1, 0}, []float32{1}},
		{"exponents", "a,y\n1e-3,1\n2,0\n", "", Floats, []string{"0", "1"}, []int{1, 0}, []float32{0.001}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := csvFile(t, c.text) + c.part
			s, err := Open(path, Options{})
			if c.first == nil {
				wantError(t, err, path, `column "class" is "x"`)
				return
			}
			must(t, err)
			if s.Kind != c.kind || !slices.Equal(s.Classes, c.classes) || !slices.Equal(s.Labels, c.labels) {
				t.Fatalf("kind %v, classes %q, labels %v", s.Kind, s.Classes, s.Labels)
			}
			if got := floatsOf(t, s, 0); !slices.Equal(got, c.first) {
				t.Errorf("sample 0 is %v, want %v", got, c.first)
			}
			if s.Name(0) != "line 2" {
				t.Errorf("sample 0 is called %q, want line 2", s.Name(0))
			}
		})
	}
}

func TestCSVPictures(t *testing.T) {
	text := "label,p0,p1,p2,p3,p4,p5\n1,0,1,2,3,4,5\n0,6,7,8,9,10,11\n"
	zipped := files{"a.csv.gz": gz(t, []byte(text))}.folder(t) + "/a.csv.gz"
	for _, path := range []string{csvFile(t, text), zipped} {
		s := open(t, path, Options{Channels: 1, Height: 2, Width: 3})
		if !slices.Equal(s.Shape, []int{1, 2, 3}) || pixelsOf(t, s, 1)[5] != 11 {
			t.Errorf("shape %v, last pixel %d", s.Shape, pixelsOf(t, s, 1)[5])
		}
	}
}

func TestCSVErrors(t *testing.T) {
	for _, c := range []struct {
		name, text, part string
		o                Options
		want             []string
	}{
		{"empty", "", "", Options{}, []string{"the file is empty"}},
		{"no rows", "a,label\n", "", Options{}, []string{"no rows follow"}},
		{"fields without a header", "1,2,4\n4,5\n", "", Options{}, []string{"line 2", "2 fields, want 3 as in line 1"}},
		{"no such number", "1,2,3\n4,5,6\n", "#4", Options{}, []string{`no column "4"`, "1, 2, 3"}},
		{"few targets", "a,b,u,v\n1,2,3,4\n", "#u,v", Options{Shape: []int{2}, Outputs: 3}, []string{"line 1", "2 columns chosen as targets, the network has 3 outputs"}},
		{"many targets", "a,b,u,v\n1,2,3,4\n", "", Options{Shape: []int{2}, Outputs: 3}, []string{"line 1", "4 columns, want 2 that enter the network and 1 label or 3 targets", "#a,b,c"}},
		{"one target of two", "a,b,u\n1,2,0.5\n", "", Options{Shape: []int{2}, Outputs: 2}, []string{"line 2", "is not a class", "2 columns of targets"}},
		{"one number of two", "a,b,c,u\n1,2,3,5\n", "", Options{Shape: []int{3}, Outputs: 2, Values: true}, []string{"line 1", `column "u"`, "1 targets for each sample, the network has 2 outputs"}},
		{"target twice", "a,u,v\n1,2,3\n", "#u,u", Options{}, []string{`column "u" is chosen twice`}},
		{"no target", "a,u,v\n1,2,x\n", "#u,v", Options{}, []string{"line 2", `column "v" is "x", want a number`}},
		{"target of classes", "a,u,v\n1,2,3\n", "#u,v", Options{Outputs: 2, Classified: true}, []string{"line 2 is not one-hot"}},
		{"word", "a,label\n1,x\nfive,x\n", "", Options{}, []string{"line 3", `column "a" is "five", want a number`}},
		{"hole", "a,label\n,x\n", "", Options{}, []string{"line 2", `column "a" is ""`}},
		{"infinite", "a,label\ninf,x\n", "", Options{}, []string{`"inf"`}},
		{"too large", "a,label\n1e99,x\n", "", Options{}, []string{`"1e99"`}},
		{"NaN", "a,label\nnan,x\n", "", Options{}, []string{`"nan"`}},
		{"no label", "a,label\n1,\n", "", Options{}, []string{`column "label", the label, is empty`}},
		{"fields", "a,b,label\n1,x\n", "", Options{}, []string{"line 2", "2 fields, want 3"}},
		{"quote", "a,label\n1,\"x\n", "", Options{}, []string{"line", "quote"}},
		{"no column", "a,label\n1,x\n", "#kind", Options{}, []string{`no column "kind"`, "a, label"}},
		{"one column", "label\nx\n", "", Options{}, []string{"only the column", "#-"}},
		{"fraction", "a,b\n1,0\n2,0.25\n", "", Options{}, []string{"line 3", `label "0.25"`, "#-"}},
		{"wanted classes", "a,label\n1,x\n2,y\n", "", Options{Classes: []string{"x", "z"}}, []string{"line 3", `"y"`, "x, z"}},
		{"wanted indices", "a,label\n1,0\n2,2\n", "", Options{Classes: []string{"x", "z"}}, []string{`column "label"`, "class index is 2"}},
		{"no classes", "a,name\n" + manyNames(300), "", Options{}, []string{"300 different labels"}},
		{"limit", "a,b,label\n1,2,x\n", "", Options{MaxMemory: 7}, []string{"takes", "want at most 7"}},
		{"all broken", "a,label\nb,c\n", "", Options{SkipBad: true}, []string{"all 1 rows", "line 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := csvFile(t, c.text) + c.part
			_, err := Open(path, c.o)
			wantError(t, err, path, c.want...)
		})
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("1,n" + strings.Repeat("i", i) + "\n")
	}
	return b.String()
}

func TestCSVSkipBad(t *testing.T) {
	path := csvFile(t, "a,label\n1,x\ntwo,x\n3\n4,y\n0.5,\n")
	s := open(t, path, Options{SkipBad: true})
	if s.Len() != 2 || s.Kind != Pixels || !slices.Equal(s.Labels, []int{0, 1}) || len(s.Skipped) != 3 {
		t.Fatalf("%d samples of %v, labels %v, skipped %q", s.Len(), s.Kind, s.Labels, s.Skipped)
	}
	if s.Name(1) != "line 5" || pixelsOf(t, s, 1)[0] != 4 {
		t.Errorf("sample 1 is %q, %v", s.Name(1), pixelsOf(t, s, 1))
	}
}

func TestRowGuard(t *testing.T) {
	for comma, want := range map[byte]string{',': "a row is longer", 0: "columns"} {
		g := &rowGuard{r: io.MultiReader(bytes.NewReader(make([]byte, 10)), zeros{}), comma: comma}
		_, err := io.Copy(io.Discard, g)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("endless row: error %v, want %q", err, want)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestCSVTargets reads numbers that a network should deliver, with and without a header.
func TestCSVTargets(t *testing.T) {
	for _, c := range []struct {
		name, text, part string
		o                Options
		first            []float32   // sample
		targets          [][]float32 // nil for labels
		labels           []int
		firstName        string
	}{
		{"one fraction", "a,b,u\n1,2,0.5\n3,4,1\n", "", Options{Shape: []int{2}, Outputs: 1, Values: true}, []float32{1, 2}, [][]float32{{0.5}, {1}}, nil, "line 2"},
		{"whole numbers", "a,b,u\n1,2,7\n3,4,-1\n", "", Options{Shape: []int{2}, Outputs: 1, Values: true}, []float32{1, 2}, [][]float32{{7}, {-1}}, nil, "line 2"},
		{"several named", "u,a,v,b\n5,1,6,2\n", "#v,u", Options{Shape: []int{2}, Outputs: 2}, []float32{1, 2}, [][]float32{{6, 5}}, nil, "line 2"},
		{"the last ones", "a,b,u,v,w\n1,2,3,4,5\n", "", Options{Shape: []int{2}, Outputs: 3}, []float32{1, 2}, [][]float32{{3, 4, 5}}, nil, "line 2"},
		{"no header", "1,2,3.5\n3,4,4.5\n", "", Options{Shape: []int{2}, Outputs: 1, Values: true}, []float32{1, 2}, [][]float32{{3.5}, {4.5}}, nil, "line 1"},
		{"numbered", "9,1,8,2\n", "#1,3", Options{Shape: []int{2}, Outputs: 2}, []float32{1, 2}, [][]float32{{9, 8}}, nil, "line 1"},
		{"classes without a header", "1,2,1\n3,4,0\n", "", Options{Shape: []int{2}, Outputs: 2}, []float32{1, 2}, nil, []int{1, 0}, "line 1"},
		{"nothing but samples", "1,2\n3,4\n", "", Options{Shape: []int{2}, Outputs: 2}, []float32{1, 2}, nil, nil, "line 1"},
		{"coordinates", "x,y\n5,6\n", "", Options{Shape: []int{2}, Outputs: 2}, []float32{5, 6}, nil, nil, "line 2"},
		{"counted columns", "0,1,2\n5,6,1\n", "", Options{Shape: []int{2}, Outputs: 2}, []float32{5, 6}, nil, []int{1}, "line 2"},
		{"counted from one", "1,2,3\n5,6,1\n", "#2", Options{Shape: []int{2}, Outputs: 9}, []float32{5, 1}, nil, []int{6}, "line 2"},
		{"one-hot", "a,u,v\n1,0,1\n1,1,0\n", "#u,v", Options{Outputs: 2}, []float32{1}, nil, []int{1, 0}, "line 2"},
		{"not wanted", "a,b,u\n1,2,0.5\n", "", Options{Shape: []int{2}, Outputs: 2, NoLabels: true}, []float32{1, 2}, nil, nil, "line 2"},
		{"of a copy", "a,b,u\n1,2,1\n", "", Options{Shape: []int{2}, Outputs: 2, Values: true}, []float32{1, 2}, nil, []int{1}, "line 2"},
	} {
		s := open(t, csvFile(t, c.text)+c.part, c.o)
		if got := floatsOf(t, s, 0); !slices.Equal(got, c.first) || s.Name(0) != c.firstName {
			t.Errorf("%s: sample 0 is %v, %q, want %v, %q", c.name, got, s.Name(0), c.first, c.firstName)
		}
		if !slices.EqualFunc(s.Targets, c.targets, slices.Equal) || !slices.Equal(s.Labels, c.labels) {
			t.Errorf("%s: targets %v, labels %v, want %v, %v", c.name, s.Targets, s.Labels, c.targets, c.labels)
		}
	}
	s := open(t, csvFile(t, "1,0.5\n2,x\n3,1.5\n4,2.5\n"), Options{Shape: []int{1}, Outputs: 1, Values: true, SkipBad: true, Classes: nil})
	if s.Targets != nil {
		t.Errorf("names became targets %v", s.Targets)
	}
	s = open(t, csvFile(t, "1,0.5,1\n2,x,1\n3,1.5,1\n4,2.5,1\n"), Options{Shape: []int{1}, Outputs: 2, SkipBad: true}).Subset([]int{2, 0})
	if len(s.Targets) != 2 || s.Targets[0][0] != 2.5 || s.Targets[1][0] != 0.5 {
		t.Errorf("a subset without the broken row has targets %v", s.Targets)
	}
}
