package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version of a build that is given away: dist/build sets it.
var release string

// version is what the Go tool recorded in the binary: the module's version or "devel" unless it is a release, the commit where it is known, and for what
// machine it was built.
func version() string {
	module, commit := "devel", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			module = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = ", commit " + s.Value
			}
		}
	}
	if release != "" {
		module = release
	}
	return fmt.Sprintf("%s%s (%s, %s/%s)", module, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
