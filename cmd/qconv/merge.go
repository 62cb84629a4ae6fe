package main

import (
	"github.com/urfave/cli/v2"

	"qconv/runtime/printable"
)

var mergeDirFlag = &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catResult, Usage: "write a whole sweep to the folder `DIR`, which is made"}

var mergeCommand = &cli.Command{
	Name:      "merge",
	Usage:     "join the parts of an evaluation or a sweep that --shard made",
	ArgsUsage: "PART.json|DIR...",
	Description: "All parts of an evaluation become what qconv eval prints without --shard, with its --json, --html and --predictions, and all parts of a sweep the folder that qconv sweep makes: the " +
		"same bytes. A part that is missing or there twice, and parts of other flags, models or data, are errors. --html opens model and data again, by the names that the parts have.\n\n" +
		example("qconv merge parts --json"),
	Flags:  []cli.Flag{mergeDirFlag, htmlFlag, predictionsFlag, maxMemoryFlag, minAccuracyFlag, minAgreementFlag, maxDropFlag, maxMSEFlag, minR2Flag, jsonFlag},
	Action: runMerge,
}

func runMerge(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("no parts given, want folders or files that --%s wrote", shardFlag.Name)
	}
	parts, err := findParts(c.Args().Slice())
	if err != nil {
		return err
	}
	if parts[0].Kind == sweepKind {
		return mergeSweep(c, parts)
	}
	return mergeEval(c, parts)
}

// refuseFlags refuses flags that say nothing of what a kind of parts becomes.
func refuseFlags(c *cli.Context, kind string, flags ...cli.Flag) error {
	if name := anySet(c, flags); name != "" {
		return usagef("flag --%s says nothing of parts of qconv %s", name, kind)
	}
	return nil
}

// mergeEval joins an evaluation.
func mergeEval(c *cli.Context, heads []*partHead) error {
	if err := refuseFlags(c, evalKind, mergeDirFlag); err != nil {
		return err
	}
	gates, err := readGates(c)
	if err != nil {
		return err
	}
	parts := make([]*evalPart, len(heads))
	var files []string
	for i, h := range heads {
		parts[i] = &evalPart{}
		if err := readPart(h.path, parts[i]); err != nil {
			return err
		}
		files = append(files, h.path)
	}
	all, err := joinEval(parts)
	if err != nil {
		return err
	}
	listed, err := newPredictions(c, files...)
	if err != nil {
		return err
	}
	defer listed.release()
	if listed != nil && all.Predictions == "" {
		return inputf("%s has no predictions: make the parts with --%s", printable.Name(all.path), predictionsFlag.Name)
	}
	html, err := claimHTML(c, files...)
	if err != nil {
		return err
	}
	defer html.Release()
	var net network
	if html != nil {
		if net, err = all.open(c); err != nil {
			return err
		}
		defer net.data().set.Close()
	}
	return finishEval(c, all, net, html, listed, gates)
}

// open opens the network and the data of an evaluation again, with the flags that it had.
func (p *evalPart) open(c *cli.Context) (network, error) {
	again, err := withFlags(c, evalCommand, p.Set)
	if err != nil {
		return nil, inputf("%s: %v", printable.Name(p.path), err)
	}
	net, err := openNetwork(again, p.Model, p.Data)
	if err != nil {
		return nil, err
	}
	now, err := evalKey(again, p.Model, p.Against, net.data().Len())
	if err == nil {
		now.Flags[predictionsFlag.Name] = p.Made.Flags[predictionsFlag.Name]
		if what, _, _ := p.Made.unlike(now); what != "" || dataSum(net.data()) != p.DataSum {
			err = inputf("%s or %s is no longer what %s was made of", printable.Name(p.Model), printable.Name(p.Data), printable.Name(p.path))
		}
	}
	if err != nil {
		net.data().set.Close()
		return nil, err
	}
	return net, nil
}
