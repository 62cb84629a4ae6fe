package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"qconv/runtime/printable"
)

// partDirFlag is where eval writes its part.
var partDirFlag = &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catResult, Value: "eval", Usage: "write the part of --shard to the folder `DIR`, which is made, as shard-I-of-N.json"}

// partReport is what a command prints that has made a part.
type partReport struct {
	Part    string   `json:"part"` // its file
	Shard   int      `json:"shard"`
	Shards  int      `json:"shards"`
	There   bool     `json:"there_before,omitempty"`
	Samples int      `json:"samples,omitempty"`  // of an evaluation
	Rows    []string `json:"networks,omitempty"` // of a sweep
	what    string
}

func (r partReport) print(w io.Writer) {
	there := ""
	if r.There {
		there = ", which was there already"
	}
	fmt.Fprintf(w, "shard %d of %d, %s: %s%s\n", r.Shard, r.Shards, r.what, printable.Name(r.Part), there)
}

// evalShard measures a part of the samples and writes its file, unless that is there.
func evalShard(c *cli.Context, path, other, data string, sh shard) error {
	for _, f := range []cli.Flag{htmlFlag, minAccuracyFlag, minAgreementFlag, maxDropFlag, maxMSEFlag, minR2Flag} {
		if name := f.Names()[0]; c.IsSet(name) {
			return usagef("flag --%s is about all samples: give it to qconv merge, or leave --%s out", name, shardFlag.Name)
		}
	}
	listed, err := newPredictions(c, path, other)
	if err != nil {
		return err
	}
	net, err := openNetwork(c, path, data)
	if err != nil {
		return err
	}
	defer net.data().set.Close()
	made, err := evalKey(c, path, other, net.data().Len())
	if err != nil {
		return err
	}
	made.Flags[predictionsFlag.Name] = ""
	if listed != nil {
		made.Flags[predictionsFlag.Name] = "kept"
	}
	p := &evalPart{partHead: newPartHead(evalKind, sh, made, path, data), Against: other, Set: setFlags(c, evalKeyFlags), DataSum: dataSum(net.data())}
	dir := c.String(partDirFlag.Name)
	file, done, err := claimPart(c, dir, p.partHead)
	if err != nil {
		return err
	}
	defer file.Release()
	r := partReport{Part: filepath.Join(dir, sh.fileName()), Shard: p.Shard, Shards: p.Shards, There: done}
	from, to := sh.part().Positions(net.data().Len())
	r.Samples, r.what = to-from, fmt.Sprintf("%s samples of %s", grouped(to-from), grouped(net.data().Len()))
	if done {
		return report(c, r, r.print)
	}
	p.First = from
	if err := p.measure(c, net, sh, listed); err != nil {
		return hintSkipBad(c, err)
	}
	text, err := encodePart(p)
	if err != nil {
		return err
	}
	if err := writeResult(file, text); err != nil {
		return err
	}
	return report(c, r, r.print)
}
