package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

var versionCommand = &cli.Command{
	Name:  "version",
	Usage: "print the version",
	Flags: []cli.Flag{jsonFlag},
	Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		v := struct {
			Version  string `json:"version"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{buildVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
		return report(c, v, func(w io.Writer) {
			fmt.Fprintf(w, "qconv %s (%s, %s)\n", v.Version, v.Go, v.Platform)
		})
	},
}

// release is the version of a build that is given away: dist/build sets it.
var release string

// buildVersion is that of a release, or else the module version the Go tool recorded in the binary, or "devel".
func buildVersion() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
