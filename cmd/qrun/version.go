package main

import (
	"fmt"
	"runtime"

	"qconv/runtime/buildinfo"
)

// version is the module's version, the commit where it is known, and for what machine the binary was built.
func version() string {
	commit := buildinfo.Commit()
	if commit != "" {
		commit = ", commit " + commit
	}
	return fmt.Sprintf("%s%s (%s, %s/%s)", buildinfo.Version(), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
