package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// steps is a CSV file of so many steps of two values, t and 1000+t for step t from first on, and the label of each, with a header.
func stepsFile(n, first int, label func(t int) string) []byte {
	var b strings.Builder
	b.WriteString("a,b,label\n")
	for t := first; t < first+n; t++ {
		fmt.Fprintf(&b, "%d,%d,%s\n", t, 1000+t, label(t))
	}
	return []byte(b.String())
}

func halves(t int) string { return fmt.Sprint(t / 10 % 2) }

func TestWindowsOfTable(t *testing.T) {
	dir := files{"a.csv": stepsFile(25, 0, halves), "plain.csv": []byte("1,2\n3,4\n5,6\n7,8\n"), "axes.csv": []byte("x,y,z\n1,2,3\n4,5,6\n"),
		"more.csv": []byte("time,x,y,z,what\n9,1,2,3,walk\n9,4,5,6,run\n")}.folder(t)
	for _, c := range []struct {
		file   string
		o      Options
		names  string
		labels []int
		last   []float32 // of the last window
	}{
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: Sequence{Window: 4, Hop: 7}}, "rows[0:4] rows[7:11] rows[14:18] rows[21:25]", []int{0, 1, 1, 0}, []float32{21, 1021, 22, 1022, 23, 1023, 24, 1024}},
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: Sequence{Window: 4, Hop: 7, Majority: true}}, "rows[0:4] rows[7:11] rows[14:18] rows[21:25]", []int{0, 0, 1, 0}, nil},
		{"a.csv", Options{Shape: []int{2, 4}, Sequence: Sequence{Hop: 21}}, "rows[0:4] rows[21:25]", []int{0, 0}, []float32{21, 22, 23, 24, 1021, 1022, 1023, 1024}},
		{"a.csv", Options{Shape: []int{10, 2}, Sequence: Sequence{Window: 10}}, "rows[0:10] rows[10:20]", []int{0, 1}, nil},
		{"a.csv", Options{Shape: []int{3, 1}, Sequence: Sequence{Window: 3, Hop: 22, Columns: "b"}}, "rows[0:3] rows[22:25]", []int{0, 0}, []float32{1022, 1023, 1024}},
		{"a.csv", Options{Shape: []int{2, 2}, Sequence: Sequence{Window: 2, Hop: 23, Columns: "b, a", LabelColumn: "-"}}, "rows[0:2] rows[23:25]", nil, []float32{1023, 23, 1024, 24}},
		{"a.csv", Options{Shape: []int{8}, Sequence: Sequence{Window: 4, Hop: 21}}, "rows[0:4] rows[21:25]", []int{0, 0}, []float32{21, 1021, 22, 1022, 23, 1023, 24, 1024}},
		{"a.csv", Options{Shape: []int{1, 2, 4}, Sequence: Sequence{Window: 4, Hop: 21}}, "rows[0:4] rows[21:25]", []int{0, 0}, []float32{21, 22, 23, 24, 1021, 1022, 1023, 1024}},
		{"a.csv", Options{Shape: []int{2, 2}, Sequence: Sequence{Window: 2, Hop: 23, Order: "nct"}}, "rows[0:2] rows[23:25]", []int{0, 0}, []float32{23, 24, 1023, 1024}},
		{"plain.csv", Options{Shape: []int{2, 2}, Sequence: Sequence{Window: 2, Hop: 1}}, "rows[0:2] rows[1:3] rows[2:4]", nil, []float32{5, 6, 7, 8}},
		{"plain.csv#2", Options{Shape: []int{2, 1}, Classified: true, Sequence: Sequence{Window: 2}}, "rows[0:2] rows[2:4]", []int{4, 8}, []float32{5, 7}},
		{"axes.csv", Options{Shape: []int{2, 3}, Sequence: Sequence{Window: 2}}, "rows", nil, []float32{1, 2, 3, 4, 5, 6}},
		{"more.csv", Options{Shape: []int{2, 3}, Sequence: Sequence{Window: 2, Columns: "x,y,z", LabelColumn: "what"}}, "rows", []int{0}, []float32{1, 2, 3, 4, 5, 6}},
	} {
		s := open(t, dir+"/"+c.file, c.o)
		var names []string
		for i := range s.Len() {
			names = append(names, s.Name(i))
		}
		if got := strings.Join(names, " "); got != c.names || !slices.Equal(s.Labels, c.labels) || s.Kind != Floats || !slices.Equal(s.Shape, c.o.Shape) {
			t.Errorf("%s %+v: %v of shape %v: %s with labels %v, want %s with %v", c.file, c.o.Sequence, s.Kind, s.Shape, got, s.Labels, c.names, c.labels)
		}
		if got := floatsOf(t, s, s.Len()-1); c.last != nil && !slices.Equal(got, c.last) {
			t.Errorf("%s %+v: the last window is %v, want %v", c.file, c.o.Sequence, got, c.last)
		}
	}
}

func TestWindowTargets(t *testing.T) {
	path := files{"a.csv": []byte("x,u,v\n1,10,20\n2,11,21\n3,12,22\n4,13,23\n")}.folder(t) + "/a.csv#u,v"
	s := open(t, path, Options{Shape: []int{3, 1}, Outputs: 2, Values: true, Sequence: Sequence{Window: 3, Hop: 1}})
	if !slices.Equal(s.Targets[0], []float32{12, 22}) || !slices.Equal(s.Targets[1], []float32{13, 23}) {
		t.Errorf("targets are %v, want those of the last steps", s.Targets)
	}
	s = open(t, path, Options{Shape: []int{3, 1}, Outputs: 6, OutputSteps: 3, Values: true, Sequence: Sequence{Window: 3, Hop: 1}})
	if !slices.Equal(s.Targets[1], []float32{11, 21, 12, 22, 13, 23}) {
		t.Errorf("targets of every step are %v", s.Targets)
	}
	dir := files{"a.csv": stepsFile(25, 0, halves)}.folder(t)
	s = open(t, dir+"/a.csv", Options{Shape: []int{4, 2}, Outputs: 8, OutputSteps: 4, Sequence: Sequence{Window: 4, Hop: 8}})
	if s.Labels != nil || len(s.StepLabels) != 3 || !slices.Equal(s.StepLabels[1], []int{0, 0, 1, 1}) {
		t.Errorf("labels %v, of steps %v", s.Labels, s.StepLabels)
	}
	if part := s.Subset([]int{1}); len(part.StepLabels) != 1 || part.StepLabels[0][3] != 1 {
		t.Errorf("a subset has the labels %v", part.StepLabels)
	}
}

func TestFoldersOfTables(t *testing.T) {
	row := func(n int, v float64) []byte { return []byte(strings.Repeat(fmt.Sprintf("%g;%g\n", v, -v), n)) }
	classes := files{"run/a.csv": row(5, 1.5), "run/b.csv": row(4, 2.5), "walk/c.csv": row(4, 3.5)}
	for _, path := range []string{classes.folder(t), classes.zip(t, 8)} {
		s := open(t, path, Options{Shape: []int{4, 2}, Sequence: Sequence{Window: 4, Hop: 1}})
		if !slices.Equal(s.Labels, []int{0, 0, 0, 1}) || !slices.Equal(s.Classes, []string{"run", "walk"}) || s.Name(1) != "run/a.csv[1:5]" || s.Name(2) != "run/b.csv" {
			t.Errorf("labels %v of %v, names %s, %s", s.Labels, s.Classes, s.Name(1), s.Name(2))
		}
		if got := floatsOf(t, s, 3); got[6] != 3.5 || got[7] != -3.5 {
			t.Errorf("the last window is %v", got)
		}
	}
	whole := files{"run/a.csv": row(4, 1), "walk/c.csv": row(4, 3)}.folder(t)
	if s := open(t, whole, Options{Shape: []int{4, 2}}); s.Len() != 2 || s.Name(1) != "walk/c.csv" || s.timed() == nil {
		t.Errorf("%d samples of whole files", s.Len())
	}
	if s := open(t, whole, Options{Shape: []int{4, 2}, NoLabels: true}); s.Labels != nil {
		t.Error("labels in spite of NoLabels")
	}
	column := files{"a.csv": stepsFile(4, 0, func(int) string { return "on" }), "b.csv": stepsFile(4, 4, func(int) string { return "off" })}.folder(t)
	s := open(t, column, Options{Shape: []int{4, 2}})
	if !slices.Equal(s.Labels, []int{1, 0}) || !slices.Equal(s.Classes, []string{"off", "on"}) {
		t.Errorf("labels %v of %v", s.Labels, s.Classes)
	}
	if got := floatsOf(t, s, 1); got[0] != 4 {
		t.Errorf("the second file begins with %v, want 4", got[0])
	}
}

func TestGapsInTables(t *testing.T) {
	text := "a,b\n1,2\n3,4\n5,\n7,8\n9,10\n11,12\n"
	dir := files{"a.csv": []byte(text)}.folder(t)
	o := Options{Shape: []int{2, 2}, Sequence: Sequence{Window: 2, Hop: 1}}
	_, err := Open(dir+"/a.csv", o)
	wantError(t, err, dir+"/a.csv", `line 4: column "b" is "", want a number`)
	o.SkipBad = true
	s := open(t, dir+"/a.csv", o)
	if s.Len() != 3 || s.Name(0) != "rows[0:2]" || s.Name(1) != "rows[3:5]" || s.Name(2) != "rows[4:6]" || len(s.Skipped) != 1 {
		t.Errorf("%d windows, skipped %q", s.Len(), s.Skipped)
		for i := range s.Len() {
			t.Error(s.Name(i))
		}
	}
	if got := floatsOf(t, s, 1); !slices.Equal(got, []float32{7, 8, 9, 10}) {
		t.Errorf("the window behind the gap is %v", got)
	}
}

func TestSequenceArrays(t *testing.T) {
	ramp := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i) + 0.5
		}
		return x
	}
	f4 := func(shape string, n int) []byte { return npyData("<f4", false, shape, little(ramp(n)...)) }
	i8 := func(shape string, v ...int64) []byte { return npyData("<i8", false, shape, little(v...)) }
	dir := files{
		"seq.npz":    npzBytes(t, files{"x": f4("(2, 6, 2)", 24), "y": i8("(2,)", 1, 0)}),
		"steps.npz":  npzBytes(t, files{"x": f4("(2, 6, 2)", 24), "y": i8("(2, 6)", 0, 0, 1, 1, 2, 2, 3, 3, 3, 0, 0, 0)}),
		"one.npz":    npzBytes(t, files{"x": f4("(6, 2)", 12), "y": i8("(6,)", 0, 0, 1, 1, 2, 2)}),
		"flat.npz":   npzBytes(t, files{"x": f4("(2, 6)", 12), "y": i8("(2,)", 1, 0)}),
		"long.npy":   f4("(7, 2)", 14),
		"set/a.npy":  f4("(4, 2)", 8),
		"set/b.npy":  f4("(5, 2)", 10),
		"mono/a.npy": f4("(4,)", 4),
		"nan.npz":    npzBytes(t, files{"x": npyData("<f4", false, "(1, 5, 1)", little[float32](1, 2, float32(math.NaN()), 4, 5)), "y": i8("(1,)", 1)}),
	}.folder(t)
	for _, c := range []struct {
		file   string
		o      Options
		labels []int
		steps  [][]int
		names  string
		last   []float32
	}{
		{"seq.npz", Options{Shape: []int{6, 2}}, []int{1, 0}, nil, "x[0] x[1]", ramp(24)[12:]},
		{"seq.npz", Options{Shape: []int{3, 2}, Sequence: Sequence{Hop: 3}}, []int{1, 1, 0, 0}, nil, "x[0][0:3] x[0][3:6] x[1][0:3] x[1][3:6]", ramp(24)[18:]},
		{"steps.npz", Options{Shape: []int{6, 2}, Outputs: 24, OutputSteps: 6}, nil, [][]int{{0, 0, 1, 1, 2, 2}, {3, 3, 3, 0, 0, 0}}, "x[0] x[1]", nil},
		{"steps.npz", Options{Shape: []int{3, 2}, Outputs: 12, OutputSteps: 3, Sequence: Sequence{Window: 3}}, nil, [][]int{{0, 0, 1}, {1, 2, 2}, {3, 3, 3}, {0, 0, 0}}, "x[0][0:3] x[0][3:6] x[1][0:3] x[1][3:6]", nil},
		{"steps.npz", Options{Shape: []int{3, 2}, Outputs: 4, Sequence: Sequence{Window: 3}}, []int{1, 2, 3, 0}, nil, "x[0][0:3] x[0][3:6] x[1][0:3] x[1][3:6]", nil},
		{"one.npz", Options{Shape: []int{3, 2}, Sequence: Sequence{Window: 3, Hop: 2}}, []int{1, 2}, nil, "x[0:3] x[2:5]", ramp(10)[4:]},
		{"flat.npz", Options{Shape: []int{6, 1}}, []int{1, 0}, nil, "x[0] x[1]", ramp(12)[6:]},
		{"flat.npz", Options{Shape: []int{1, 4}, Sequence: Sequence{Window: 4}}, []int{1, 0}, nil, "x[0][0:4] x[1][0:4]", ramp(10)[6:]},
		{"long.npy", Options{Shape: []int{3, 2}, Sequence: Sequence{Window: 3}}, nil, nil, "array[0:3] array[3:6]", ramp(12)[6:]},
		{"set", Options{Shape: []int{4, 2}, Sequence: Sequence{Window: 4, Hop: 1}}, nil, nil, "a.npy b.npy[0:4] b.npy[1:5]", ramp(10)[2:]},
		{"set", Options{Shape: []int{5, 2}, Sequence: Sequence{Pad: true}}, nil, nil, "a.npy b.npy", ramp(10)},
		{"mono", Options{Shape: []int{4}}, nil, nil, "a.npy", ramp(4)},
		{"nan.npz", Options{Shape: []int{2, 1}, SkipBad: true, Sequence: Sequence{Window: 2, Hop: 1}}, []int{1, 1}, nil, "x[0:2] x[3:5]", []float32{4, 5}},
	} {
		s := open(t, dir+"/"+c.file, c.o)
		var names []string
		for i := range s.Len() {
			names = append(names, s.Name(i))
		}
		if got := strings.Join(names, " "); got != c.names || !slices.Equal(s.Labels, c.labels) || fmt.Sprint(s.StepLabels) != fmt.Sprint(c.steps) {
			t.Errorf("%s %+v: %s with labels %v, of steps %v, want %s with %v, %v", c.file, c.o.Sequence, got, s.Labels, s.StepLabels, c.names, c.labels, c.steps)
		}
		if got := floatsOf(t, s, s.Len()-1); c.last != nil && !slices.Equal(got, c.last) {
			t.Errorf("%s %+v: the last window is %v, want %v", c.file, c.o.Sequence, got, c.last)
		}
	}
	s := open(t, dir+"/set", Options{Shape: []int{2, 5}, Sequence: Sequence{Pad: true}})
	if got := floatsOf(t, s, 0); !slices.Equal(got, []float32{0.5, 2.5, 4.5, 6.5, 0, 1.5, 3.5, 5.5, 7.5, 0}) {
		t.Errorf("padded, channels first: %v", got)
	}
}

// npzBytes is an .npz of arrays.
func npzBytes(t testing.TB, arrays files) []byte {
	t.Helper()
	named := files{}
	for key, data := range arrays {
		named[key+".npy"] = data
	}
	return named.zipped(t, 8)
}

func TestSequenceErrors(t *testing.T) {
	f4 := func(shape string, n int) []byte { return npyData("<f4", false, shape, little(make([]float32, n)...)) }
	dir := files{
		"a.csv":          stepsFile(9, 0, halves),
		"short.csv":      []byte("a,b\n1,2\n3,4\n"),
		"seq.npz":        npzBytes(t, files{"x": f4("(2, 6, 2)", 24), "y": npyData("<i8", false, "(2,)", little[int64](0, 1))}),
		"labels.npz":     npzBytes(t, files{"x": f4("(2, 6, 2)", 24), "y": npyData("<i8", false, "(3,)", little[int64](0, 1, 2))}),
		"objects.npz":    npzBytes(t, files{"x": npyData("|O", false, "(2,)", []byte("pickled"))}),
		"mixed/a.csv":    []byte("1,2\n"),
		"mixed/b.npy":    f4("(4, 2)", 8),
		"other/a.csv":    []byte("a,b\n1,2\n3,4\n"),
		"other/b.csv":    []byte("a,c\n1,2\n3,4\n"),
		"headers/a.csv":  []byte("a,b\n1,2\n3,4\n"),
		"headers/b.csv":  []byte("1,2\n3,4\n"),
		"beside/a.csv":   []byte("1,2\n"),
		"beside/c/b.csv": []byte("1,2\n"),
		"bad/a.csv":      []byte("1,2\n3,x\n"),
		"lengths/a.csv":  []byte("1,2\n3,4\n"),
		"lengths/b.csv":  []byte("1,2\n3,4\n5,6\n"),
		"widths/a.npy":   f4("(4, 2)", 8),
		"widths/b.npy":   f4("(4, 3)", 12),
		"deep/a.npy":     f4("(4, 2, 1)", 8),
		"empty/a.csv":    nil,
		"nan.npy":        npyData("<f4", false, "(3, 1)", little[float32](1, float32(math.NaN()), 3)),
	}.folder(t)
	w := func(window, hop int) Sequence { return Sequence{Window: window, Hop: hop} }
	for _, c := range []struct {
		file string
		o    Options
		want []string
	}{
		{"a.csv", Options{Shape: []int{4, 2}}, []string{"line 1", "a row has 2 numbers, the network's input wants [4 2]", "--window 4 --hop N"}},
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: w(5, 1)}, []string{"line 1", "windows of 5 steps of 2 values, the network's input [4 2] wants 4 steps: say --window 4"}},
		{"a.csv", Options{Shape: []int{4, 3}, Sequence: w(4, 1)}, []string{"windows of 4 steps of 2 values, the network's input wants [4 3]"}},
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: w(-1, 1)}, []string{"the window is -1 steps, want at least 1"}},
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: w(4, -1)}, []string{"the hop is -1 steps, want at least 1"}},
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: Sequence{Order: "tnc"}}, []string{`the order is "tnc"`}},
		{"a.csv", Options{Shape: []int{4, 1}, Sequence: Sequence{Window: 4, Columns: "a,c"}}, []string{`no column "c", there are: a, b, label`}},
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: Sequence{Window: 4, Columns: "a,a"}}, []string{`column "a" is chosen twice`}},
		{"a.csv", Options{Shape: []int{4, 2}, Sequence: Sequence{Window: 4, Columns: "a,label", LabelColumn: "label"}}, []string{`column "label" enters the network and is its label`}},
		{"a.csv", Options{Shape: []int{4, 1}, Sequence: w(4, 1)}, []string{"line 1", "3 columns, want 1 that enter the network in a step and 1 label; choose the others with --columns a,b,c or --label-column"}},
		{"a.csv#b", Options{Shape: []int{4, 2}, Sequence: Sequence{Window: 4, LabelColumn: "label"}}, []string{`the label column is "b" after #, and "label" by the option`}},
		{"short.csv", Options{Shape: []int{4, 2}, Sequence: w(4, 1)}, []string{"2 steps of 2 values, want 4 steps (--pad appends zeros)"}},
		{"seq.npz", Options{Shape: []int{4, 2}}, []string{"x: samples have shape [6 2], the network's input wants [4 2]: if these are 6 steps of 2 values, cut them into windows with --window 4 --hop N"}},
		{"seq.npz", Options{Shape: []int{7, 2}}, []string{"samples have shape [6 2], the network's input wants [7 2]"}},
		{"seq.npz", Options{Shape: []int{6, 3}}, []string{"samples have shape [6 2], the network's input wants [6 3]"}},
		{"seq.npz", Options{Shape: []int{4, 3}, Sequence: w(4, 1)}, []string{"windows of 4 steps of 2 values, the network's input wants [4 3]"}},
		{"labels.npz", Options{Shape: []int{3, 2}, Sequence: w(3, 1)}, []string{"y: has shape [3], want class indices or targets for each of 2 recordings, or of their 6 steps"}},
		{"objects.npz", Options{Shape: []int{3, 2}}, []string{"x: an array of objects", "cut them into windows with --window"}},
		{"mixed", Options{Shape: []int{4, 2}}, []string{"b.npy: lies beside a.csv, want recordings of one kind"}},
		{"other", Options{Shape: []int{2, 2}}, []string{"b.csv: line 1: the columns are a, c, want a, b as in a.csv"}},
		{"headers", Options{Shape: []int{2, 2}}, []string{"b.csv: line 1: no header, want a header as a.csv has"}},
		{"beside", Options{Shape: []int{1, 2}}, []string{"a.csv: lies beside folders of recordings (c)"}},
		{"bad", Options{Shape: []int{2, 2}}, []string{`a.csv: line 2: column "2" is "x", want a number`}},
		{"lengths", Options{Shape: []int{2, 2}}, []string{"b.csv: 3 steps of 2 values, the network's input [2 2] wants 2 steps: cut it into windows with --window 2 --hop N"}},
		{"lengths", Options{Shape: []int{3, 2}}, []string{"a.csv: 2 steps of 2 values, want 3 steps (--pad appends zeros)"}},
		{"widths", Options{Shape: []int{4, 2}}, []string{"b.npy: steps of 3 values, want 2 as in a.npy"}},
		{"deep", Options{Shape: []int{4, 2}}, []string{"a.npy: an array of shape [4 2 1], want a recording [steps, values] or [steps]"}},
		{"empty", Options{Shape: []int{4, 2}}, []string{"a.csv: the file is empty"}},
		{"nan.npy", Options{Shape: []int{2, 1}, Sequence: w(2, 1)}, []string{"array: value 0 of step 1 is NaN, want a finite number"}},
		{"short.csv", Options{Shape: []int{1 << 20, 2}, Sequence: w(1<<20, 1), MaxMemory: 100}, []string{"bytes of memory, want at most 100"}},
	} {
		_, err := Open(dir+"/"+c.file, c.o)
		wantError(t, err, dir+"/"+c.file, c.want...)
	}
}

// TestDivideRecordings looks for samples of both parts that share a step.
func TestDivideRecordings(t *testing.T) {
	one, many := files{"a.csv": stepsFile(1000, 0, halves)}, files{}
	for i := range 20 {
		many[fmt.Sprintf("%c/%02d.csv", 'a'+i%2, i)] = []byte(strings.Repeat("1,2\n", 30+i))
	}
	few := files{"a.csv": stepsFile(300, 0, halves), "b.csv": stepsFile(200, 300, halves)}
	for _, c := range []struct {
		path string
		seq  Sequence
		how  Division
	}{
		{one.folder(t) + "/a.csv", Sequence{Window: 8, Hop: 2}, ByTime},
		{few.folder(t), Sequence{Window: 8, Hop: 1}, ByTime},
		{few.folder(t), Sequence{Window: 8}, ByTime},
		{many.folder(t), Sequence{Window: 8, Hop: 2}, ByFile},
	} {
		s := open(t, c.path, Options{Shape: []int{8, 2}, Sequence: c.seq})
		for seed := range uint64(5) {
			train, val, how := Divide(s, 0.2, seed)
			if how != c.how {
				t.Fatalf("%s: divided by %s, want %s", c.path, how, c.how)
			}
			if share := float64(val.Len()) / float64(s.Len()); share < 0.1 || share > 0.3 {
				t.Errorf("%s, seed %d: %d of %d are held out", c.path, seed, val.Len(), s.Len())
			}
			if lost := s.Len() - val.Len() - train.Len(); lost > s.Len()/3 || (how == ByFile) != (lost == 0) && c.seq.Hop > 0 {
				t.Errorf("%s, seed %d: %d of %d are left out", c.path, seed, lost, s.Len())
			}
			if shared := sharedSteps(train, val); shared > 0 {
				t.Errorf("%s, seed %d: %d samples held out share steps with others", c.path, seed, shared)
			}
			for class, n := range val.Counts() {
				if n == 0 {
					t.Errorf("%s, seed %d: none held out of class %d", c.path, seed, class)
				}
			}
			if how == ByFile {
				seen := map[int]bool{}
				for i := range train.Len() {
					file, _, _ := train.timed()(i)
					seen[file] = true
				}
				for i := range val.Len() {
					if file, _, _ := val.timed()(i); seen[file] {
						t.Fatalf("%s: file %d is in both parts", c.path, file)
					}
				}
			}
			choose, report := Split(val, 0.5, seed)
			if choose.Len() == 0 || report.Len() == 0 || sharedSteps(choose, report) > 0 {
				t.Errorf("%s: %d and %d samples of what is held out", c.path, choose.Len(), report.Len())
			}
		}
		a, b := s.Apart(40, 20)
		if a.Len() == 0 || a.Len() > 40 || b.Len() == 0 || b.Len() > 20 || sharedSteps(a, b) > 0 {
			t.Errorf("%s: %d and %d apart, %d of which share steps", c.path, a.Len(), b.Len(), sharedSteps(a, b))
		}
	}
	// Recordings that are samples as they are are divided like any samples.
	s := open(t, files{"a/1.csv": []byte("1,2\n"), "a/2.csv": []byte("1,3\n"), "b/3.csv": []byte("1,4\n"), "b/4.csv": []byte("2,4\n")}.folder(t), Options{Shape: []int{1, 2}})
	if train, val, how := Divide(s, 0.5, 1); how != BySample || train.Len() != 2 || val.Len() != 2 {
		t.Errorf("%d and %d, by %s", train.Len(), val.Len(), how)
	}
}

// sharedSteps is how many samples of b share a step with one of a.
func sharedSteps(a, b *Set) (n int) {
	for i := range b.Len() {
		file, from, to := b.timed()(i)
		for k := range a.Len() {
			if f, first, last := a.timed()(k); f == file && first < to && from < last {
				n++
				break
			}
		}
	}
	return n
}

func TestZeroInputs(t *testing.T) {
	f4 := func(shape string, n int) []byte {
		return npyData("<f4", false, shape, little(slices.Repeat([]float32{2}, n)...))
	}
	dir := files{
		"named.npz": npzBytes(t, files{"in": f4("(3, 4, 2)", 24), "y": npyData("<i8", false, "(3,)", little[int64](0, 1, 1))}),
		"both.npz":  npzBytes(t, files{"in": f4("(3, 4, 2)", 24), "h0": f4("(3, 5)", 15), "y": npyData("<i8", false, "(3,)", little[int64](0, 1, 1))}),
		"x.npz":     npzBytes(t, files{"x": f4("(3, 4, 2)", 24), "y": npyData("<i8", false, "(3,)", little[int64](0, 1, 1))}),
		"a.csv":     stepsFile(12, 0, halves),
	}.folder(t)
	in := Port{"in", Options{Shape: []int{4, 2}, Array: "in", Sequence: Sequence{Hop: 4}}}
	state := Port{"h0", Options{Shape: []int{5}, Zero: true}}
	for _, ports := range [][]Port{{in, state}, {state, in}} {
		for _, file := range []string{"named.npz", "both.npz", "x.npz", "a.csv"} {
			s, err := OpenInputs(dir+"/"+file, ports)
			must(t, err)
			if s.Len() != 3 || len(s.Labels) != 3 || s.Labels[2] != 1 && file != "a.csv" || len(s.Inputs()) != 2 {
				t.Errorf("%s: %d samples with labels %v", file, s.Len(), s.Labels)
			}
			part := s.Subset([]int{1, 2})
			for k, set := range part.Inputs() {
				got := floatsOf(t, set, 0)
				want := ports[k].Options.Shape
				first := float32(0)
				if ports[k].Name == "in" || file == "both.npz" {
					first = 2
				}
				if file == "a.csv" && k == slices.IndexFunc(ports, func(p Port) bool { return p.Name == "in" }) {
					first = 4
				}
				if len(got) != elems(want) || got[0] != first {
					t.Errorf("%s: input %s is %v", file, ports[k].Name, got)
				}
			}
			if file == "a.csv" && s.timed() == nil {
				t.Errorf("%s: the set does not know of its windows", file)
			}
			s.Close()
		}
	}
	_, err := OpenInputs(dir+"/named.npz", []Port{in, {"h0", Options{Shape: []int{5}}}})
	wantError(t, err, dir+"/named.npz", "no array h0")
}
