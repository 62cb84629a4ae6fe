//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package atomicfile

import (
	"io/fs"
	"os"
)

const openFlags = 0

// tryLock finds no flock(2) here: outputs are unprotected.
func tryLock(*os.File) (bool, error) { return false, errNoLocks }

func links(fs.FileInfo) int { return 1 }
