//go:build tools

// Package qconv is empty: it names, for the go.mod file, what programs in folders named
// testdata need, since the go command looks into those only when told to.
package qconv

import (
	_ "golang.org/x/image/font/gofont/goregular"
	_ "golang.org/x/image/font/opentype"
)
