package c

import (
	"fmt"
	"strings"
)

// FitError says that a machine cannot hold a network.
type FitError struct {
	What       string // "flash" or "RAM"
	Least, Max int    // bytes: what the network takes at least, and what there is
	Advice     []string
}

func (e *FitError) Error() string {
	return fmt.Sprintf("the network takes at least %d bytes of %s, want at most %d; what helps: %s", e.Least, e.What, e.Max, strings.Join(e.Advice, ", "))
}

// farFlash is what AVR reaches with the pointers that the sources use, in bytes.
const farFlash = 60000

// maxFlash is the most bytes of flash; 0 where there is no limit.
func (o Options) maxFlash() int {
	if o.Target == AVR && (o.MaxFlash == 0 || o.MaxFlash > farFlash) {
		return farFlash
	}
	return o.MaxFlash
}

func (o Options) ramError(least int) error {
	return &FitError{"RAM", least, o.MaxRAM, []string{"a smaller input", "fewer channels in the first layers", "strides or pooling earlier in the network"}}
}

func (o Options) flashError(least int) error {
	advice := []string{"fewer weights", "fewer weight values (convert --weights 16 --codebook integer, or fewer)", "fewer levels (convert --levels 16)"}
	if o.Optimize == Speed {
		advice = append([]string{"--optimize size"}, advice...)
	}
	return &FitError{"flash", least, o.maxFlash(), advice}
}
