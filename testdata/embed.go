// Package testdata carries the bundled model and data, so that an installed binary has
// them at hand.
package testdata

import "embed"

// Demo holds digits.onnx, a classifier of pictures of digits, and digits/, its training
// and test data as gzip'd IDX files. The classifier's input is (pixel/255 - 0.1) / 0.22.
//
//go:embed digits.onnx digits/*.gz
var Demo embed.FS
