package dataset

import (
	"fmt"

	"qconv/runtime/picture"
)

// Defaults and fixed limits, in bytes.
const (
	defaultCacheBytes = 1 << 30
	defaultMaxBytes   = 4 << 30
	// maxFileBytes bounds one picture file, also inside a zip.
	maxFileBytes = 64 << 20
	// maxClass is the largest numeric label.
	maxClass = 1<<16 - 1
)

// Options says how samples are wanted. The zero value takes them as they are.
type Options struct {
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
	// NoLabels leaves labels out: samples of other classes than the network's.
	NoLabels bool
	// CacheBytes bounds the decoded pictures kept in memory: 0 = 1 GiB, negative = none.
	CacheBytes int64
	// MaxBytes bounds the size of arrays in memory: 0 = 4 GiB.
	MaxBytes int64
}

func (o Options) cacheBytes() int64 {
	if o.CacheBytes == 0 {
		return defaultCacheBytes
	}
	return max(o.CacheBytes, 0)
}

func (o Options) maxBytes() int64 {
	if o.MaxBytes <= 0 {
		return defaultMaxBytes
	}
	return o.MaxBytes
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
		return fmt.Errorf("layout is %q, want \"nchw\" or \"nhwc\"", o.Layout)
	case o.Limit < 0:
		return fmt.Errorf("limit is %d, want a number of samples, or 0 for all", o.Limit)
	}
	return nil
}
