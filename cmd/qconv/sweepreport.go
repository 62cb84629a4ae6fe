package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"qconv/cmd/qconv/internal/page"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// sweepReport is what sweep prints, and what its table and pictures show.
type sweepReport struct {
	Model  string `json:"model"`
	Folder string `json:"folder"`
	Data   string `json:"data"` // that was measured on
	// Missing are networks that another process is making.
	Missing []string      `json:"missing,omitempty"`
	Rows    []reportedRow `json:"rows"`
}

// reportedRow is a row among the others. Efficient says that no other takes fewer bytes and is as good, or is better and takes as many; Quick says the same of the time.
type reportedRow struct {
	sweepRow
	Ns        int64 `json:"ns_per_inference,omitempty"` // with --time
	Efficient bool  `json:"efficient"`
	Quick     bool  `json:"quick,omitempty"`
}

// newSweepReport marks the efficient rows. times are those of an inference in nanoseconds, 0 where they are not known.
func newSweepReport(rows []*sweepRow, times []int64) sweepReport {
	var r sweepReport
	for i, row := range rows {
		r.Rows = append(r.Rows, reportedRow{sweepRow: *row, Ns: times[i]})
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Failed != "" {
			continue
		}
		row.Efficient = efficient(r.Rows, i, func(r reportedRow) int64 { return int64(r.FileBytes) })
		row.Quick = row.Ns > 0 && efficient(r.Rows, i, func(r reportedRow) int64 { return r.Ns })
	}
	return r
}

// efficient says that no row beats row i, being as good in the figure and in the cost, and better in one of them.
func efficient(rows []reportedRow, i int, cost func(reportedRow) int64) bool {
	own, price := *rows[i].figure().value, cost(rows[i])
	return !slices.ContainsFunc(rows, func(r reportedRow) bool {
		if r.Failed != "" {
			return false
		}
		figure, other := *r.figure().value, cost(r)
		return figure >= own && other <= price && (figure > own || other < price)
	})
}

// finish measures times, if that is wanted, writes table and pictures, and prints the report.
func (s *sweep) finish() error {
	var rows []*sweepRow
	var times []int64
	var missing []string
	for i, row := range s.rows {
		if row == nil {
			missing = append(missing, s.cells[i].name)
			continue
		}
		ns := int64(0)
		if s.timed && row.Failed == "" {
			var err error
			if ns, err = s.time(row); err != nil {
				return err
			}
		}
		rows, times = append(rows, row), append(times, ns)
	}
	r := newSweepReport(rows, times)
	r.Model, r.Folder, r.Data, r.Missing = s.path, s.dir, s.parts.report.set.Spec, missing
	if err := s.write(r); err != nil {
		return err
	}
	return report(s.c, r, r.print)
}

// time is that of the median of some inferences of a row's program, in nanoseconds.
func (s *sweep) time(row *sweepRow) (int64, error) {
	p, err := readProgram(s.c, s.at(row.Program))
	if err != nil {
		return 0, err
	}
	took, err := medianTime(p, qrt.Options{Limits: programLimits(s.c)})
	return took.Nanoseconds(), err
}

// medianTime is that of inferences for some time.
func medianTime(p *qrt.Program, o qrt.Options) (time.Duration, error) {
	r, err := qrt.NewRunner(p, o)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	profile := r.NewProfile()
	for start := time.Now(); profile.Runs() < 3 || time.Since(start) < timedFor; {
		profile.Run()
	}
	median, _ := profile.Median()
	return median, nil
}

// write writes what all rows come to.
func (s *sweep) write(r sweepReport) error {
	for _, f := range []struct {
		name string
		make func() ([]byte, error)
	}{
		{"sweep.csv", r.csv},
		{"sweep.png", func() ([]byte, error) { return r.picture("sweep.png") }},
		{"sweep.svg", func() ([]byte, error) { return r.picture("sweep.svg") }},
		{"index.html", r.page},
	} {
		data, err := f.make()
		if err != nil {
			return err
		}
		file, err := claim(s.c, s.at(f.name), s.path)
		if err != nil {
			return err
		}
		if err := writeResult(file, data); err != nil {
			return err
		}
	}
	return nil
}

// figureName is that of the metric that rows are compared by.
func (r sweepReport) figureName() string {
	for _, row := range r.Rows {
		if row.Failed == "" {
			return row.figure().name
		}
	}
	return "accuracy"
}

func (r sweepReport) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"name", "levels", "weights", "codebook", "file_bytes", "bits_per_weight", "table_entries", "samples", "accuracy", "accuracy_low", "accuracy_high", "top5", "agreement",
		"r2", "mse", "snr_db", "float_accuracy", "ns_per_inference", "efficient", "quick", "failed"})
	text := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	for _, row := range r.Rows {
		m, float := metrics{}, metrics{}
		if row.Failed == "" {
			m, float = *row.Metrics, *row.Float
		}
		low, high, ns := "", "", ""
		if m.Accuracy95 != nil {
			low, high = text(&m.Accuracy95[0]), text(&m.Accuracy95[1])
		}
		if row.Ns > 0 {
			ns = strconv.FormatInt(row.Ns, 10)
		}
		w.Write([]string{row.Name, strconv.Itoa(row.Levels), strconv.Itoa(row.Weights), string(row.Codebook), strconv.Itoa(row.FileBytes), text(&row.BitsPerWeight),
			strconv.Itoa(row.Tables.Total), strconv.Itoa(m.Samples), text(m.Accuracy), low, high, text(m.Top5), text(m.Agreement), text(m.R2), text(m.MSE), text(m.SNR),
			text(float.Accuracy), ns, strconv.FormatBool(row.Efficient), strconv.FormatBool(row.Quick), row.Failed})
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// sweepColours are those of the kinds of codebooks.
var sweepColours = map[quant.Kind]int{quant.KindFree: 0, quant.KindInteger: 1, quant.KindCheap: 2}

// panel shows the figure of all rows over a cost, and the line of the efficient ones; nil where no cost is known.
func (r sweepReport) panel(x string, cost func(reportedRow) float64, marked func(reportedRow) bool) (*plot.Plot, error) {
	scale, unit := 1.0, ""
	series := map[quant.Kind]plotter.XYs{}
	var frontier plotter.XYs
	float := 0.0
	for _, row := range r.Rows {
		if row.Failed != "" || cost(row) == 0 {
			continue
		}
		by := row.figure()
		if by.percent {
			scale, unit = 100, ", %"
			if row.Float.Accuracy != nil {
				float = 100 * *row.Float.Accuracy
			}
		}
		at := plotter.XY{X: cost(row), Y: scale * *by.value}
		series[row.Codebook] = append(series[row.Codebook], at)
		if marked(row) {
			frontier = append(frontier, at)
		}
	}
	if len(series) == 0 {
		return nil, nil
	}
	p := page.NewPlot("", x, r.figureName()+unit)
	p.Legend.Left = false
	slices.SortFunc(frontier, func(a, b plotter.XY) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
	line, err := plotter.NewLine(frontier)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = page.Gray, vg.Points(1.2)
	p.Add(line)
	p.Legend.Add("efficient", line)
	for _, kind := range []quant.Kind{quant.KindFree, quant.KindInteger, quant.KindCheap} {
		if len(series[kind]) == 0 {
			continue
		}
		points, err := plotter.NewScatter(series[kind])
		if err != nil {
			return nil, err
		}
		points.Color, points.Shape, points.Radius = page.Palette[sweepColours[kind]], draw.CircleGlyph{}, vg.Points(3)
		p.Add(points)
		p.Legend.Add(string(kind)+" weights", points)
	}
	p.X.Min, p.X.Max = 0, 1.03*p.X.Max
	p.X.Tick.Marker = plot.TickerFunc(shortTicks)
	if float > 0 {
		level := plotter.NewFunction(func(float64) float64 { return float })
		level.Color, level.Dashes = page.Green, []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(level)
		p.Legend.Add("float network", level)
		p.Y.Max = max(p.Y.Max, float)
	}
	p.Y.Min -= 0.35 * max(p.Y.Max-p.Y.Min, 1e-3*scale) // room for the legend
	return p, nil
}

// shortTicks are ticks without zeros behind the point.
func shortTicks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range ticks {
		if t.Label != "" {
			ticks[i].Label = strconv.FormatFloat(t.Value, 'g', 4, 64)
		}
	}
	return ticks
}

// panels are one over the bytes, and, where times are known, one over these.
func (r sweepReport) panels() (list []*plot.Plot, err error) {
	for _, x := range []struct {
		name   string
		cost   func(reportedRow) float64
		marked func(reportedRow) bool
	}{
		{"KB of the .qlut", func(r reportedRow) float64 { return float64(r.FileBytes) / 1000 }, func(r reportedRow) bool { return r.Efficient }},
		{"microseconds an inference", func(r reportedRow) float64 { return float64(r.Ns) / 1000 }, func(r reportedRow) bool { return r.Quick }},
	} {
		p, err := r.panel(x.name, x.cost, x.marked)
		if err != nil {
			return nil, err
		}
		if p != nil {
			list = append(list, p)
		}
	}
	return list, nil
}

// picture is the panels in one file, in the format that its name says.
func (r sweepReport) picture(name string) ([]byte, error) {
	panels, err := r.panels()
	if err != nil {
		return nil, err
	}
	if len(panels) == 0 {
		panels = append(panels, page.NewPlot("every network failed", "", ""))
	}
	return drawPanels(name, panels)
}

// page is the report for a browser.
func (r sweepReport) page() ([]byte, error) {
	p := page.New("Sweep of "+r.Model, fmt.Sprintf("%d networks, measured under the runtime on samples of %s that neither trained nor chose them", len(r.Rows), r.Data))
	s := p.Section("Efficient networks")
	s.Text("A network is efficient if no other is as good and smaller, or as small and better%s. These are marked in bold below.", map[bool]string{true: ", or likewise in time", false: ""}[r.timed()])
	panels, err := r.panels()
	if err != nil {
		return nil, err
	}
	var figures []page.Figure
	for _, panel := range panels {
		drawing, err := page.Draw(panel, page.Wide)
		if err != nil {
			return nil, err
		}
		figures = append(figures, page.Figure{Image: drawing, Caption: r.figureName() + " over " + panel.X.Label.Text})
	}
	s.Figures(figures...)
	s = p.Section("All networks")
	if len(r.Missing) > 0 {
		s.Warn("%d networks are being made by another process.", len(r.Missing))
	}
	s.Text("A16W4-integer has 16 levels and 4 weights from an integer codebook.")
	columns := []page.Column{page.Left("network"), page.Right("bytes"), page.Right(r.figureName())}
	if r.timed() {
		columns = append(columns, page.Right("µs"))
	}
	t := s.Table(append(columns, page.Left("95 % interval"))...)
	most := 1
	for _, row := range r.Rows {
		most = max(most, row.FileBytes)
	}
	for _, row := range r.Rows {
		if row.Failed != "" {
			t.Row(row.Name, "-", "failed")
			continue
		}
		var name any = row.Name
		if row.Efficient || row.Quick {
			name = page.Strong(row.Name)
		}
		cells := []any{name, page.Share{Part: float64(row.FileBytes) / float64(most), Text: grouped(row.FileBytes)}}
		by := row.figure()
		within := by.interval()
		by.between = nil
		cells = append(cells, by.text())
		if r.timed() {
			cells = append(cells, fmt.Sprintf("%.1f", float64(row.Ns)/1000))
		}
		t.Row(append(cells, within)...)
	}
	for _, row := range r.Rows {
		if row.Failed != "" {
			s.Warn("%s failed: %s", row.Name, row.Failed)
		}
	}
	return p.Bytes()
}

// timed says whether times are known.
func (r sweepReport) timed() bool {
	return slices.ContainsFunc(r.Rows, func(r reportedRow) bool { return r.Ns > 0 })
}

func (r sweepReport) print(w io.Writer) {
	t := table{left: 1}
	head := []any{"network", "bytes", r.figureName()}
	if r.timed() {
		head = append(head, "µs")
	}
	t.add(append(head, "efficient")...)
	for _, row := range r.Rows {
		if row.Failed != "" {
			t.add(row.Name, "-", "failed")
			continue
		}
		cells := []any{row.Name, grouped(row.FileBytes), row.figure().text()}
		mark := map[bool]string{true: "size", false: ""}[row.Efficient]
		if r.timed() {
			cells = append(cells, fmt.Sprintf("%.1f", float64(row.Ns)/1000))
			if row.Quick {
				mark = map[bool]string{true: "size, time", false: "time"}[row.Efficient]
			}
		}
		t.add(append(cells, mark)...)
	}
	t.print(w)
	if len(r.Missing) > 0 {
		fmt.Fprintf(w, "being made by another process: %s\n", printable.Names(r.Missing))
	}
	for _, row := range r.Rows {
		if row.Failed != "" {
			fmt.Fprintf(w, "%s failed: %s\n", row.Name, row.Failed)
		}
	}
	fmt.Fprintf(w, "%s; written: sweep.csv, sweep.png, sweep.svg and index.html in %s\n", bracketsMean, printable.Name(r.Folder))
}
