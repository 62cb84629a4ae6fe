package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/runtime/printable"
)

// sweepPart says which networks of a sweep a part has made; they are in files of their own beside it.
type sweepPart struct {
	partHead
	RowKey string   `json:"row_key"` // the key of all rows
	Cells  []string `json:"cells"`   // of the whole sweep, in order
	Rows   []string `json:"rows"`    // of the part
	// Measured is the data that networks were measured on.
	Measured string `json:"measured"`
}

func (p *sweepPart) valid() bool {
	if !p.partHead.valid() || p.Kind != sweepKind {
		return false
	}
	var own []string
	for i, name := range p.Cells {
		if p.shard().has(i) {
			own = append(own, name)
		}
		if filepath.Base(name) != name || strings.HasPrefix(name, ".") {
			return false
		}
	}
	return fmt.Sprint(own) == fmt.Sprint(p.Rows)
}

// has says whether a part makes row i of a sweep: rows are dealt out in turn, as their order is that of the work they take.
func (s shard) has(i int) bool { return !s.given() || i%s.count == s.index }

// sweepWholeFlags are the flags that a whole sweep depends on.
var sweepWholeFlags = flagList(sweepKeyFlags, []cli.Flag{gridLevelsFlag, gridWeightsFlag, gridCodebookFlag})

// newPart is the file of a part of the sweep, without its rows.
func (s *sweep) newPart() (*sweepPart, error) {
	made, err := keyOf(s.c, s.path, sweepWholeFlags)
	if err != nil {
		return nil, err
	}
	made.Samples = s.made.Samples
	p := &sweepPart{partHead: newPartHead(sweepKind, s.shard, made, s.path, s.c.String(dataFlag.Name)), RowKey: s.made.digest(), Measured: s.parts.report.set.Spec}
	for i, k := range s.all {
		p.Cells = append(p.Cells, k.name)
		if s.shard.has(i) {
			p.Rows = append(p.Rows, k.name)
		}
	}
	return p, nil
}

// runPart makes the rows of a part, and then the part's file.
func (s *sweep) runPart(jobs int) error {
	p, err := s.newPart()
	if err != nil {
		return err
	}
	file, done, err := claimPart(s.c, s.dir, p.partHead)
	if err != nil {
		return err
	}
	defer file.Release()
	if err := s.run(jobs); err != nil {
		return err
	}
	for i, row := range s.rows {
		if row == nil {
			return fmt.Errorf("%s is being made by another process; the same command again makes the part complete", s.cells[i].name)
		}
	}
	r := partReport{Part: s.at(s.shard.fileName()), Shard: p.Shard, Shards: p.Shards, There: done, Rows: p.Rows,
		what: fmt.Sprintf("%d of %d networks", len(p.Rows), len(p.Cells))}
	if !done {
		text, err := encodePart(p)
		if err != nil {
			return err
		}
		if err := writeResult(file, text); err != nil {
			return err
		}
	}
	return report(s.c, r, r.print)
}

// mergeSweep joins a sweep in the folder of -o.
func mergeSweep(c *cli.Context, heads []*partHead) error {
	if err := refuseFlags(c, sweepKind, htmlFlag, predictionsFlag, minAccuracyFlag, minAgreementFlag, maxDropFlag, maxMSEFlag, minR2Flag); err != nil {
		return err
	}
	dir := c.String(mergeDirFlag.Name)
	if dir == "" {
		return usagef("flag --%s is required: the folder of the whole sweep", mergeDirFlag.Name)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return &outputError{fmt.Errorf("%s is no folder", printable.Name(dir))}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return &outputError{err}
	}
	parts := make([]*sweepPart, len(heads))
	for i, h := range heads {
		parts[i] = &sweepPart{}
		if err := readPart(h.path, parts[i]); err != nil {
			return err
		}
		if first := parts[0]; parts[i].RowKey != first.RowKey || parts[i].Measured != first.Measured || fmt.Sprint(parts[i].Cells) != fmt.Sprint(first.Cells) {
			return inputf("%s and %s are of different sweeps", printable.Name(first.path), printable.Name(h.path))
		}
	}
	whole := parts[0]
	s := &sweep{c: c, path: whole.Model, dir: dir}
	for i := range whole.Cells {
		row, err := s.take(parts[i%whole.Shards], whole.Cells[i])
		if err != nil {
			return err
		}
		s.rows = append(s.rows, row)
	}
	r := newSweepReport(s.rows, make([]int64, len(s.rows)))
	r.Model, r.Folder, r.Data = s.path, s.dir, whole.Measured
	if err := s.write(r); err != nil {
		return err
	}
	return report(c, r, r.print)
}

// take brings a row of a part into the folder of the whole sweep: the program, and then the row.
func (s *sweep) take(p *sweepPart, name string) (*sweepRow, error) {
	from := filepath.Dir(p.path)
	row, err := readRow(from, name)
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, inputf("%s names the network %s, whose files are not beside it: make the part again", printable.Name(p.path), name)
	case row.Key != p.RowKey:
		return nil, inputf("%s names the network %s, but %s is of another sweep", printable.Name(p.path), name, printable.Name(filepath.Join(from, name+".json")))
	}
	if there, err := readRow(s.dir, name); err != nil {
		return nil, err
	} else if there != nil && there.Key != p.RowKey {
		return nil, inputf("%s is of another sweep than %s; give another folder with -o", printable.Name(s.at(name+".json")), printable.Name(p.path))
	}
	files := []string{name + ".json"}
	if row.Failed == "" {
		files = []string{row.Program, name + ".json"}
	}
	for _, f := range files {
		path := filepath.Join(from, f)
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, &inputError{err}
		}
		if sum := sha256.Sum256(data); f == row.Program && hex.EncodeToString(sum[:]) != row.SHA256 {
			return nil, inputf("%s is not the program that %s says: make the part again", printable.Name(path), printable.Name(filepath.Join(from, name+".json")))
		}
		if a, errA := os.Stat(path); errA == nil {
			if b, errB := os.Stat(s.at(f)); errB == nil && os.SameFile(a, b) {
				continue
			}
		}
		file, err := claim(s.c, s.at(f))
		if err != nil {
			return nil, err
		}
		if err := writeResult(file, data); err != nil {
			return nil, err
		}
	}
	return row, nil
}
