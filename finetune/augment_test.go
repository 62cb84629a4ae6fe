package finetune

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// ramp is one picture [2,4,5] whose values tell channel, row and column: 100c + 10y + x.
type ramp struct{}

func (ramp) Len() int        { return 1000 }
func (ramp) Shapes() [][]int { return [][]int{{2, 4, 5}} }
func (ramp) Label(int) int   { return 3 }
func (ramp) Input(_ int, dst []float32) error {
	for i := range dst {
		dst[i] = float32(i/20*100 + i/5%4*10 + i%5)
	}
	return nil
}

// TestAugment collects where the columns and rows of many variants come from.
func TestAugment(t *testing.T) {
	cases := []struct {
		name    string
		cfg     AugmentConfig
		columns []string // all that must occur, and no other
		rows    []string
	}{
		{"flip", AugmentConfig{Flip: true}, []string{"01234", "43210"}, []string{"0123"}},
		{"shift", AugmentConfig{Shift: 1}, []string{"00123", "01234", "12344"}, []string{"0012", "0123", "1233"}},
		{"crop", AugmentConfig{Crop: 1}, []string{"10123", "01234", "12343"}, []string{"1012", "0123", "1232"}},
		{"shift and flip", AugmentConfig{Shift: 1, Flip: true}, []string{"00123", "32100", "01234", "43210", "12344", "44321"}, []string{"0012", "0123", "1233"}},
		{"shift and crop", AugmentConfig{Shift: 1, Crop: 1},
			[]string{"11012", "10123", "01233", "00123", "01234", "12344", "11234", "12343", "23433"},
			[]string{"1101", "1012", "0122", "0012", "0123", "1233", "1123", "1232", "2322"}},
	}
	for _, c := range cases {
		data, err := Augment(ramp{}, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if data.Label(7) != 3 || data.Len() != 1000 {
			t.Errorf("%s: labels or number of samples changed", c.name)
		}
		rows, columns := map[string]bool{}, map[string]bool{}
		plain, x := make([]float32, 40), make([]float32, 40)
		if err := data.Input(0, plain); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			if err := data.(Varying).InputIn(i%7, i, x); err != nil {
				t.Fatal(err)
			}
			row, column := "", ""
			for k, v := range x {
				if want := float32(k/20*100) + x[k/5%4*5] - x[0] + x[k%5]; v != want {
					t.Fatalf("%s: %v mixes rows, columns or channels", c.name, x)
				}
				if k < 5 {
					column += string('0' + rune(v)%10)
				}
				if k < 20 && k%5 == 0 {
					row += string('0' + rune(v)/10)
				}
			}
			rows[row], columns[column] = true, true
		}
		check := func(what string, got map[string]bool, want []string) {
			t.Helper()
			for s := range got {
				if !slices.Contains(want, s) {
					t.Errorf("%s: %s come from %s, want one of %v", c.name, what, s, want)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s: %s come from %v, want all of %v", c.name, what, got, want)
			}
		}
		check("columns", columns, c.columns)
		check("rows", rows, c.rows)
	}
}

func TestAugmentErrors(t *testing.T) {
	for _, c := range []struct {
		data Data
		cfg  AugmentConfig
		want string
	}{
		{rowsOf{ramp{}}, AugmentConfig{Flip: true}, "samples have shape [40], want pictures [C,H,W]"},
		{ramp{}, AugmentConfig{Shift: 4, Crop: -1}, "shift: got 4 pixels, want 0..3 for samples of shape [2,4,5]; crop: got -1 pixels, want 0..3"},
	} {
		if _, err := Augment(c.data, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if data, err := Augment(ramp{}, AugmentConfig{Seed: 5}); err != nil || data != (ramp{}) {
		t.Errorf("without anything to do, got %T (%v)", data, err)
	}
}

// rowsOf forgets that samples are pictures.
type rowsOf struct{ Data }

func (rowsOf) Shapes() [][]int { return [][]int{{40}} }

// TestTuneAugmented looks at what training sees: every epoch something else, the same again
// on another number of processors and after a resumption, and the teacher the same picture.
func TestTuneAugmented(t *testing.T) {
	plain := newPictures(2, 50)
	augmented, err := Augment(plain, AugmentConfig{Shift: 1, Crop: 2, Flip: true, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	run := func(data Data, procs int) []float64 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		m := calibrated(t, smallNet(t), plain, 256)
		cfg := tuneConfig()
		cfg.Loss, cfg.Schedule, cfg.Rate, cfg.RangeRate, cfg.Batch = LossTeacher, ScheduleNone, 1e-12, 0, 50
		r, err := Tune(context.Background(), m, data, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return r.Losses
	}
	want := run(augmented, 1)
	for _, procs := range []int{2, 5} {
		if got := run(augmented, procs); !reflect.DeepEqual(got, want) {
			t.Errorf("GOMAXPROCS=%d gives losses %v, want %v", procs, got, want)
		}
	}
	// Nothing is learnt, and a batch is an epoch: the loss is that of rounding to 256 levels.
	if slices.Max(want) == slices.Min(want) {
		t.Error("the loss is the same in every epoch")
	}
	if slices.Max(want) > 1e-3 {
		t.Errorf("the teacher seems to see other pictures: the losses are %v", want)
	}
}
