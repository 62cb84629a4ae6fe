package main

import (
	"path/filepath"

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
	if err := checkKind(path, ".html"); err != nil {
		return nil, err
	}
	return claim(c, path, inputs...)
}

// pageNames are files as a page calls them: without their folders, where that tells them apart.
func pageNames(paths ...string) []string {
	short, seen := make([]string, len(paths)), map[string]bool{}
	for i, p := range paths {
		short[i] = filepath.Base(p)
		if seen[short[i]] {
			return paths
		}
		seen[short[i]] = true
	}
	return short
}

// writePage stores a page.
func writePage(f *atomicfile.File, p *page.Page) error {
	data, err := p.Bytes()
	if err != nil {
		return err
	}
	return writeResult(f, data)
}
