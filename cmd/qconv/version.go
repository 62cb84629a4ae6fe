package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/urfave/cli/v2"

	"qconv/runtime/buildinfo"
)

var versionCommand = &cli.Command{
	Name:        "version",
	Usage:       "print the version",
	Description: example("qconv version --json"),
	Flags:       []cli.Flag{jsonFlag},
	Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		v := struct {
			Version  string `json:"version"`
			Commit   string `json:"commit,omitempty"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{buildinfo.Version(), buildinfo.Commit(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
		return report(c, v, func(w io.Writer) {
			fmt.Fprintf(w, "qconv %s (", v.Version)
			if v.Commit != "" {
				fmt.Fprintf(w, "commit %s, ", v.Commit)
			}
			fmt.Fprintf(w, "%s, %s)\n", v.Go, v.Platform)
		})
	},
}
