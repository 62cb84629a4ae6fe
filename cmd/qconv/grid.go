package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/quant"
)

// Flags of commands that try several levels and weights. They are called like those that say one, and are lists.
var (
	gridLevelsFlag   = &cli.StringFlag{Name: levelsFlag.Name, Category: catQuant, Value: "8,16,32", Usage: "`LIST` of levels of an activation to try, each 2..256"}
	gridWeightsFlag  = &cli.StringFlag{Name: weightsFlag.Name, Category: catQuant, Value: "4,16,64", Usage: "`LIST` of values of the weights of a codebook to try, each 2..65536"}
	gridCodebookFlag = &cli.StringFlag{Name: codebookFlag.Name, Category: catQuant, Value: "free,integer", Usage: "`LIST` of kinds of centres to try: free, integer, cheap"}
)

// gridFlags are the flags of levels and weights of commands that try several; those of --config would say one for single layers.
var gridFlags = flagList([]cli.Flag{gridLevelsFlag, gridWeightsFlag, gridCodebookFlag}, slices.DeleteFunc(slices.Clone(quantFlags), func(f cli.Flag) bool {
	return slices.Contains([]cli.Flag{levelsFlag, weightsFlag, codebookFlag, configFlag, endWeightsFlag}, f)
}))

// grid is what is tried.
type grid struct {
	levels, weights []int
	codebooks       []quant.Kind
}

func readGrid(c *cli.Context) (g grid, err error) {
	if g.levels, err = counts(c, gridLevelsFlag, 256); err != nil {
		return g, err
	}
	if g.weights, err = counts(c, gridWeightsFlag, 65536); err != nil {
		return g, err
	}
	kinds := []string{string(quant.KindFree), string(quant.KindInteger), string(quant.KindCheap)}
	for _, item := range strings.Split(c.String(gridCodebookFlag.Name), ",") {
		if item = strings.TrimSpace(item); !slices.Contains(kinds, item) {
			return g, usagef("flag --%s: got %q, want a list of %s", gridCodebookFlag.Name, item, strings.Join(kinds, ", "))
		}
		if k := quant.Kind(item); !slices.Contains(g.codebooks, k) {
			g.codebooks = append(g.codebooks, k)
		}
	}
	return g, nil
}

// counts reads a list of numbers from 2 to most; one that is there twice counts once.
func counts(c *cli.Context, f *cli.StringFlag, most int) (list []int, err error) {
	for _, item := range strings.Split(c.String(f.Name), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || n < 2 || n > most {
			return nil, usagef("flag --%s: got %q, want a list of numbers from 2 to %d such as %s", f.Name, item, most, f.Value)
		}
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list, nil
}
