//go:build tools

package qconv

// What programs in folders named testdata need is named here for the go.mod file, since the go command looks into those only when
// told to.
import (
	_ "golang.org/x/image/font/gofont/goregular"
	_ "golang.org/x/image/font/opentype"
)
