//go:build !purego

package kernel

func (c *blockCopy) run() {
	if useAVX2 && (c.step == 1 || c.step == 2 && c.cols >= vecLen) {
		blockCopyAVX2(c)
	} else {
		c.generic()
	}
}

// blockCopyAVX2 does steps of 1, and steps of 2 with at least 8 columns.
//
//go:noescape
func blockCopyAVX2(c *blockCopy)
