package finetune

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// TestBestRange searches the range by brute force and compares the rounding errors.
func TestBestRange(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	cases := []struct {
		name  string
		draw  func() float64
		count int
	}{
		{"relu of normal", func() float64 { return math.Max(0, rng.NormFloat64()) }, 8},
		{"normal", rng.NormFloat64, 16},
		{"long tail", func() float64 { return rng.ExpFloat64() * rng.ExpFloat64() }, 16},
		{"asymmetric", func() float64 { return rng.ExpFloat64() - 0.5 }, 16},
		{"two levels", rng.NormFloat64, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			values := make([]float32, 20000)
			lo, hi := 0.0, 0.0
			for i := range values {
				values[i] = float32(c.draw())
				lo, hi = math.Min(lo, float64(values[i])), math.Max(hi, float64(values[i]))
			}
			h := newHistogram(lo, hi)
			h.add(values)
			mse := func(a, b float64) float64 {
				l, err := quant.NewLevels(c.count, a, b)
				if err != nil {
					return math.Inf(1)
				}
				sum := 0.0
				for _, v := range values {
					d := float64(v) - l.Round(float64(v))
					sum += d * d
				}
				return sum / float64(len(values))
			}
			best := math.Inf(1)
			for i := range 41 {
				for k := range 41 {
					best = math.Min(best, mse(lo*float64(i)/40, hi*float64(k)/40))
				}
			}
			a, b := h.bestRange(c.count)
			if got := mse(a, b); got > 1.02*best {
				t.Errorf("range [%g, %g] has error %g, a grid finds %g", a, b, got, best)
			}
			l, err := quant.NewLevels(c.count, a, b)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := h.roundingError(l), mse(a, b); math.Abs(got-want) > 0.03*want {
				t.Errorf("the histogram's error is %g, the values' %g", got, want)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	h := newHistogram(-1, 3)
	values := make([]float32, 0, 1000)
	for i := range 1000 {
		values = append(values, -1+4*(float32(i)+0.5)/1000)
	}
	h.add(values)
	for _, c := range []struct{ p, lo, hi float64 }{{100, -1, 3}, {99, -0.96, 2.96}, {90, -0.6, 2.6}} {
		lo, hi := h.percentile(c.p)
		if math.Abs(lo-c.lo) > 0.005 || math.Abs(hi-c.hi) > 0.005 {
			t.Errorf("percentile %g is [%g, %g], want [%g, %g]", c.p, lo, hi, c.lo, c.hi)
		}
	}
	// Zeros count: nine of ten values are zero, so one percent is a tenth of the others.
	h = newHistogram(0, 1)
	h.add(make([]float32, 9000))
	for i := range 1000 {
		h.add([]float32{(float32(i) + 0.5) / 1000})
	}
	if lo, hi := h.percentile(99); lo != 0 || math.Abs(hi-0.9) > 0.005 {
		t.Errorf("with zeros the range is [%g, %g], want [0, 0.9]", lo, hi)
	}
}

func TestCalibrate(t *testing.T) {
	data := newPictures(1, 200)
	for _, method := range []RangeMethod{RangeMax, RangePercentile, RangeMSE, RangeAuto} {
		t.Run(string(method), func(t *testing.T) {
			m := modelOf(t, smallNet(t))
			given := quant.Levels{Count: 256, Step: 0.25, Zero: 3, Stride: 1}
			m.Levels["input"] = given
			cfg := DefaultCalibrateConfig()
			cfg.Method, cfg.Levels, cfg.Samples = method, 16, 100
			cfg.Sites = map[string]int{"relu2.out": 4}
			c, err := Calibrate(context.Background(), m, data, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if m.Levels["input"] != given {
				t.Errorf("levels that were set became %+v", m.Levels["input"])
			}
			for name, count := range map[string]int{"relu1.out": 16, "relu2.out": 4} {
				l := m.Levels[name]
				if l.Count != count || l.Zero != 0 || !(l.Step > 0) {
					t.Errorf("site %q has levels %+v, want %d from zero on", name, l, count)
				}
			}
			switch {
			case method != RangeAuto && (c.Method != method || len(c.Divergence) != 0):
				t.Errorf("result %+v", c)
			case method == RangeAuto:
				if len(c.Divergence) != 2 || c.Divergence[c.Method] > math.Min(c.Divergence[RangeMSE], c.Divergence[RangePercentile]) {
					t.Errorf("method %q was chosen among %v", c.Method, c.Divergence)
				}
			}
		})
	}
	// The maximum is exactly that of the values.
	m := modelOf(t, smallNet(t))
	cfg := DefaultCalibrateConfig()
	cfg.Method, cfg.Samples = RangeMax, 0
	if _, err := Calibrate(context.Background(), m, data, cfg); err != nil {
		t.Fatal(err)
	}
	e, err := NewExecutor(m.Graph, 200, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 0, 200*64)
	for _, p := range data.x {
		x = append(x, p...)
	}
	if _, err := e.Run(x); err != nil {
		t.Fatal(err)
	}
	top := 0.0
	for _, v := range e.Value("relu1.out") {
		top = math.Max(top, float64(v))
	}
	if l := m.Levels["relu1.out"]; math.Abs(l.Max()-top) > 1e-6 {
		t.Errorf("the largest level is %g, the largest value %g", l.Max(), top)
	}
}

func TestCalibrateErrors(t *testing.T) {
	data := newPictures(1, 20)
	broken := func(g *onnx.Graph) { g.Nodes[0].Inputs[2].Const.Floats[0] = float32(math.Inf(1)) }
	cases := []struct {
		name string
		set  func(c *CalibrateConfig, g *onnx.Graph)
		want string
	}{
		{"configuration", func(c *CalibrateConfig, _ *onnx.Graph) { c.Levels, c.Batch, c.Method = 1, 0, "guess" }, `batch: got 0, want at least 1; levels: got 1, want 2..256`},
		{"unknown site", func(c *CalibrateConfig, _ *onnx.Graph) { c.Sites = map[string]int{"nowhere": 8} }, `there is no site "nowhere"`},
		{"not finite", func(_ *CalibrateConfig, g *onnx.Graph) { broken(g) }, `site "relu1.out" takes values that are not finite`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := modelOf(t, smallNet(t))
			cfg := DefaultCalibrateConfig()
			c.set(&cfg, m.Graph)
			_, err := Calibrate(context.Background(), m, data, cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestCorrectBias spoils a network's weights and expects its channel means to come back.
func TestCorrectBias(t *testing.T) {
	float := smallNet(t)
	data := newPictures(1, 100)
	m := calibrated(t, float.Clone(), data, 16)
	cfg := quant.DefaultClusterConfig()
	cfg.Weights = 3
	if err := quant.Cluster(m, cfg); err != nil {
		t.Fatal(err)
	}
	// One layer loses its bias: it must get one.
	fc := m.Graph.Nodes[len(m.Graph.Nodes)-2]
	fc.Inputs = fc.Inputs[:2]
	distance := func() float64 {
		t.Helper()
		worst := 0.0
		a, err := NewExecutor(float, 100, ExecOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewModelExecutor(m, 100)
		if err != nil {
			t.Fatal(err)
		}
		var x []float32
		for _, p := range data.x {
			x = append(x, p...)
		}
		for _, e := range []*Executor{a, b} {
			if _, err := e.Run(x); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range float.Nodes {
			if canShift(n) {
				channels, area := channelAxis(n)
				want := meanPerChannel(a.Value(n.Outputs[0].Name), channels, area)
				for c, v := range meanPerChannel(b.Value(n.Outputs[0].Name), channels, area) {
					worst = math.Max(worst, math.Abs(v-want[c]))
				}
			}
		}
		return worst
	}
	before := distance()
	if err := CorrectBias(context.Background(), m, float, data, 1000); err != nil {
		t.Fatal(err)
	}
	if len(fc.Inputs) != 3 || fc.Inputs[2].Const == nil {
		t.Fatal("a layer without bias did not get one")
	}
	if after := distance(); before < 0.05 || after > 1e-4 {
		t.Errorf("the largest difference of a channel mean is %g, before %g", after, before)
	}
}
