package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"qconv/runtime/picture"
)

// Defaults and fixed limits, in bytes.
const (
	defaultCacheBytes = 1 << 30
	// maxFileBytes bounds one picture file, also inside a zip.
	maxFileBytes = 64 << 20
	// maxClass is the largest numeric label.
	maxClass = 1<<16 - 1
)

// Options says how samples are wanted. The zero value takes them as they are.
type Options struct {
	// Sequence says how samples are made of recordings.
	Sequence
	// Channels of pictures: 1 = grey, 3 = red, green, blue, 0 = as the first picture.
	// Arrays may have any number.
	Channels int
	// Height and Width of pictures; both zero keeps their size, which then must be the
	// same for all. Others are stretched to it, without regard to their proportions.
	Height, Width int
	// Refit converts and resizes the pixels of arrays (IDX, NPZ) too. Without it arrays of
	// another shape are an error, as they are likely to be the wrong ones.
	Refit bool
	// Layout of arrays [N][a][b][c]: "nchw", "nhwc", or "" to decide by Channels,
	// Height and Width, or else by whether only the last dimension can be channels.
	Layout string
	// Limit, if positive, keeps that many samples: the first ones of a shuffle by Seed,
	// so that the classes stay mixed.
	Limit int
	Seed  uint64
	// SkipBad leaves out broken samples and lists them in Set.Skipped. Pictures are then
	// all decoded when the set is opened.
	SkipBad bool
	// Classes, if not empty, gives the indices of class names, as a model's labels do;
	// data of a class that is not listed are an error.
	Classes []string
	// NoLabels leaves labels and targets out: samples of other classes than the network's.
	NoLabels bool
	// Outputs is how many numbers the network delivers for a sample, 0 where that is not known. What a file says of its samples is
	// taken as that many targets where it cannot be classes.
	Outputs int
	// OutputSteps is how many steps the output has that stand for those of a sample: its labels and targets then are those of steps where the data say them. 0
	// where there is one output for the sample.
	OutputSteps int
	// Values says that the outputs are numbers in any case: what a file says of its samples then are targets, although whole
	// numbers may look like classes. Classified says that they are scores of classes in any case. At most one of both is set.
	Values, Classified bool
	// Shape of one sample as the network takes it, if not empty: samples of another one are an error before they
	// are read. [LoadInput] brings samples into this shape.
	Shape []int
	// Array is the array of an .npz that is taken where none is called x: the name of the network's input.
	Array string
	// Zero says that an input of several is all zeros where the data have nothing for it, see [OpenInputs].
	Zero bool
	// CacheBytes bounds the decoded pictures and recordings kept in memory: 0 = 1 GiB, negative = none.
	CacheBytes int64
	// Passed says that every sample is used once, in order: decoded pictures are then kept only where CacheBytes hold all of them.
	Passed bool
	// MaxMemory bounds the bytes that arrays and tables, or a picture while it is decoded, take in
	// memory: 0 = as much as Allowance finds right for the size of the file, at most 4 GiB.
	MaxMemory int64
	// Files is where spec is looked up, by paths with slashes; its files must be io.ReaderAt. Nil = the files of this machine.
	Files fs.FS
	// Context ends opening and reading early; nil never does.
	Context context.Context
}

// cacheBytes is the room for pictures decoded from files of the given size.
func (o Options) cacheBytes(fileBytes int64) int64 {
	if o.CacheBytes == 0 {
		return min(defaultCacheBytes, o.Allowance(fileBytes))
	}
	return max(o.CacheBytes, 0)
}

func (o Options) files() fs.FS {
	if o.Files == nil {
		return disk{}
	}
	return o.Files
}

func (o Options) context() context.Context {
	if o.Context == nil {
		return context.Background()
	}
	return o.Context
}

// check reports the first option that makes no sense.
func (o Options) check() error {
	switch {
	case o.Channels < 0:
		return fmt.Errorf("channels is %d, want a positive number, or 0 for those of the data", o.Channels)
	case o.Height < 0 || o.Width < 0 || (o.Height == 0) != (o.Width == 0):
		return fmt.Errorf("height and width are %d and %d, want both positive or both 0", o.Height, o.Width)
	case o.Height > picture.MaxSide || o.Width > picture.MaxSide || int64(o.Height)*int64(o.Width) > picture.MaxPixels:
		return fmt.Errorf("height and width are %d and %d, want at most %d each and %d pixels", o.Height, o.Width, picture.MaxSide, picture.MaxPixels)
	case o.Layout != "" && o.Layout != "nchw" && o.Layout != "nhwc":
		return fmt.Errorf("layout is %q, want \"nchw\" or \"nhwc\", or of sequences \"ntc\" or \"nct\"", o.Layout)
	case slices.ContainsFunc(o.Shape, func(d int) bool { return d < 1 }):
		return fmt.Errorf("the shape wanted is %v, want dimensions of at least 1", o.Shape)
	case o.OutputSteps < 0:
		return fmt.Errorf("the output has %d steps, want a number, or 0 for one output", o.OutputSteps)
	case o.Limit < 0:
		return fmt.Errorf("limit is %d, want a number of samples, or 0 for all", o.Limit)
	}
	return o.Sequence.check()
}
