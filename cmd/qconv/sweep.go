package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/quant"
	"qconv/runtime/printable"
)

var (
	sweepDirFlag   = &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catResult, Value: "sweep", Usage: "write everything to the folder `DIR`, which is made"}
	sweepStepsFlag = &cli.IntFlag{Name: "steps", Category: catTraining, Usage: "train each network `N` steps; 0 = reconstruct and distil it from --calib-samples, as convert does"}
	jobsFlag       = &cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Category: catRun, DefaultText: "as many as cores", Usage: "make `N` networks at the same time, each in memory of its own"}
	timeFlag       = &cli.BoolFlag{Name: "time", Category: catResult, Usage: "also measure the time of an inference on this machine, with one worker, once all are made"}
)

var sweepCommand = &cli.Command{
	Name:      "sweep",
	Usage:     "make a network with every combination of levels, weights and codebooks",
	ArgsUsage: "MODEL.onnx",
	Description: "Every network is trained (--steps) or reconstructed, written as a .qlut and measured under the runtime on samples that neither trained nor chose one. " +
		"The folder then holds, for each, NAME.qlut and NAME.json, and beside them sweep.csv, sweep.png, sweep.svg and index.html, which mark the efficient ones: those that no other " +
		"beats in both figures. The same command goes on where an earlier one was ended; what is there is not made again, and may be more or fewer combinations. " +
		"The files are the same, byte for byte, however often it was ended and with however many --jobs.\n\n" +
		"With --shard I/N only every Nth network is made, from the Ith on, by as many machines as there are parts; qconv merge makes the same folder of them.\n\n" +
		example("qconv sweep model.q.onnx --data pictures.zip#train --val pictures.zip#test --levels 8,16,32 --weights 4,16,64 -o sweep"),
	Flags:  flagList([]cli.Flag{sweepDirFlag, maxMemoryFlag, jsonFlag, timeFlag, jobsFlag, shardFlag, valFlag, sweepStepsFlag, fastFlag}, dataFlags, preprocessFlags, gridFlags, trialTrainFlags),
	Action: runSweep,
}

// sweepKeyFlags are the flags that every network of a sweep depends on.
var sweepKeyFlags = slices.DeleteFunc(flagList([]cli.Flag{valFlag, sweepStepsFlag, fastFlag}, dataFlags, preprocessFlags, gridFlags, trialTrainFlags), func(f cli.Flag) bool {
	return slices.Contains([]cli.Flag{gridLevelsFlag, gridWeightsFlag, gridCodebookFlag}, f)
})

// cell is one combination of a sweep.
type cell struct {
	name      string
	levels    int
	cluster   quant.ClusterConfig
	calibrate finetune.CalibrateConfig
	train     *finetune.Config // nil for none
}

// sweep is one run of the command.
type sweep struct {
	c     *cli.Context
	path  string
	dir   string
	made  runKey // what all rows share
	model *quant.Model
	parts parts
	float *floatAnswers
	all   []cell // of the whole sweep
	cells []cell // of the part that is made
	shard shard
	rows  []*sweepRow // by cell; nil where it is not there
	timed bool
}

func runSweep(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL.onnx")
	if err != nil {
		return err
	}
	spec, err := required(c, dataFlag)
	if err != nil {
		return err
	}
	s := &sweep{c: c, path: path, dir: c.String(sweepDirFlag.Name), timed: c.Bool(timeFlag.Name)}
	if s.all, err = readCells(c); err != nil {
		return err
	}
	if s.shard, err = readShard(c); err != nil {
		return err
	}
	if s.shard.given() && s.timed {
		return usagef("flag --%s measures all networks on one machine: leave it out with --%s, and ask qconv bench", timeFlag.Name, shardFlag.Name)
	}
	for i, k := range s.all {
		if s.shard.has(i) {
			s.cells = append(s.cells, k)
		}
	}
	jobs := runtime.GOMAXPROCS(0)
	if c.IsSet(jobsFlag.Name) {
		if jobs = c.Int(jobsFlag.Name); jobs < 1 || jobs > 256 {
			return usagef("flag --%s: got %d, want 1..256", jobsFlag.Name, jobs)
		}
	}
	if s.model, err = openModel(c, path); err != nil {
		return err
	}
	noteTuned(c, path, s.model)
	data, err := openModelSamples(c, spec, s.model, share{})
	if err != nil {
		return err
	}
	defer data.set.Close()
	if err := s.open(data.Len()); err != nil {
		return err
	}
	loss := finetune.LossTeacher
	if cfg := s.all[0].train; cfg != nil {
		loss = cfg.Loss
	}
	if err := checkLoss(c, s.model, data, loss); err != nil {
		return err
	}
	if s.parts, err = divide(c, s.model, data, loss); err != nil {
		return err
	}
	defer s.parts.close()
	if s.parts.report == nil {
		return inputf("%s has too few samples to hold some back to measure on: give --%s", printable.Name(spec), valFlag.Name)
	}
	if s.shard.given() {
		return s.runPart(jobs)
	}
	if err := s.run(jobs); err != nil {
		return err
	}
	return s.finish()
}

// readCells are the combinations in their order: levels, then weights, then codebooks.
func readCells(c *cli.Context) (cells []cell, err error) {
	g, err := readGrid(c)
	if err != nil {
		return nil, err
	}
	steps := c.Int(sweepStepsFlag.Name)
	if steps < 0 {
		return nil, usagef("flag --%s: got %d, want 0 or more", sweepStepsFlag.Name, steps)
	}
	if steps > 0 && c.Bool(fastFlag.Name) {
		return nil, usagef("flag --%s and flag --%s exclude each other", fastFlag.Name, sweepStepsFlag.Name)
	}
	for _, levels := range g.levels {
		for _, weights := range g.weights {
			for _, kind := range g.codebooks {
				k := cell{name: fmt.Sprintf("A%dW%d-%s", levels, weights, kind), levels: levels}
				if k.calibrate, err = calibrateConfigFor(c, levels); err != nil {
					return nil, err
				}
				if k.cluster, err = clusterConfigFor(c, weights, kind); err != nil {
					return nil, err
				}
				if steps > 0 {
					cfg, err := shortTraining(c, k.cluster)
					if err != nil {
						return nil, err
					}
					k.train = &cfg
				}
				cells = append(cells, k)
			}
		}
	}
	return cells, nil
}

// open makes the folder, or finds that it holds rows of the same sweep, from so many samples.
func (s *sweep) open(samples int) error {
	if info, err := os.Stat(s.dir); err == nil && !info.IsDir() {
		return &outputError{fmt.Errorf("%s is no folder", printable.Name(s.dir))}
	}
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return &outputError{err}
	}
	var err error
	if s.made, err = keyOf(s.c, s.path, sweepKeyFlags); err != nil {
		return err
	}
	s.made.Samples = samples
	s.rows = make([]*sweepRow, len(s.cells))
	for i, cell := range s.cells {
		row, err := readRow(s.dir, cell.name)
		switch {
		case err != nil:
			return err
		case row == nil:
			continue
		case row.Key != s.made.digest():
			d := row.Made.difference(s.made)
			return inputf("%s is of a sweep with %s; give the same again, or another folder with -o", printable.Name(s.at(cell.name+".json")), d)
		}
		s.rows[i] = row
	}
	return nil
}

func (s *sweep) at(name string) string { return filepath.Join(s.dir, name) }

// done is the number of rows that are there.
func (s *sweep) done() (n int) {
	for _, r := range s.rows {
		if r != nil {
			n++
		}
	}
	return n
}

// run makes the rows that are missing, some at a time. A row that another process is making is left to it.
func (s *sweep) run(jobs int) error {
	var mu sync.Mutex
	here := s.done()
	whenInterrupted(s.c.Context, func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprintf("%d of %d networks are there, the same command makes the others", s.done(), len(s.rows))
	})
	if here > 0 {
		note(s.c, "%d of %d networks are there already", here, len(s.rows))
	}
	if here == len(s.rows) {
		return nil
	}
	var err error
	if s.float, err = newFloatAnswers(s.c, s.model, s.parts.report); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.c.Context)
	defer cancel()
	bar := newProgress(s.c.App.ErrWriter, "sweep", "networks", len(s.rows))
	bar.update(here)
	defer bar.finish()
	next := make(chan int)
	var failed error
	var wg sync.WaitGroup
	for range min(jobs, len(s.rows)-here) {
		wg.Go(func() {
			for i := range next {
				row, err := s.make(ctx, s.cells[i])
				mu.Lock()
				if s.rows[i] = row; err != nil {
					failed = errors.Join(failed, err)
					cancel()
				}
				if row != nil {
					bar.clear()
					note(s.c, "%s: %s", row.Name, row.text())
				}
				bar.update(s.done())
				mu.Unlock()
			}
		})
	}
	var missing []int
	for i, r := range s.rows {
		if r == nil {
			missing = append(missing, i)
		}
	}
feed:
	for _, i := range missing {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if err := s.c.Context.Err(); err != nil {
		return err
	}
	return firstOf(failed)
}

// firstOf is the first of joined errors: what the others say is mostly that they were stopped by it.
func firstOf(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return firstOf(joined.Unwrap()[0])
	}
	return err
}

// make makes one row, unless another process does, and writes its files: the program, and then the row.
func (s *sweep) make(ctx context.Context, k cell) (*sweepRow, error) {
	file, err := claim(s.c, s.at(k.name+".json"), s.path)
	if is[*atomicfile.HeldError](err) {
		note(s.c, "%s: %v", k.name, err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Release()
	if row, err := readRow(s.dir, k.name); err != nil || row != nil && row.Key == s.made.digest() {
		return row, err // another process has made it meanwhile
	}
	row, err := s.makeRow(ctx, k)
	if err != nil {
		return nil, err
	}
	text, err := row.encode()
	if err != nil {
		return nil, err
	}
	return row, writeResult(file, text)
}
