package main

import (
	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/cmd/qconv/internal/page"
)

var htmlFlag = &cli.StringFlag{Name: "html", Category: catResult, Usage: "write `FILE.html`, a page of tables and drawings in one file that needs no network"}

// claimHTML takes hold of the file that --html names, before long work; nil where it is not given.
func claimHTML(c *cli.Context, inputs ...string) (*atomicfile.File, error) {
	path := c.String(htmlFlag.Name)
	if path == "" {
		return nil, nil
	}
	return claim(c, path, inputs...)
}

// writePage stores a page.
func writePage(f *atomicfile.File, p *page.Page) error {
	data, err := p.Bytes()
	if err != nil {
		return err
	}
	return writeResult(f, data)
}
