package onnx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"qconv/onnx/internal/pb"
)

// externalData reads the data of tensors that are stored beside the model, in files of its
// own folder and below.
type externalData struct {
	root *os.Root // nil when the model was not read from a file
	// read from each file so far, in bytes
	used map[string]int64
}

// maxRereads is how often the bytes of an external file may be read, on average: tensors
// may share data, but a small file must not become a large graph.
const maxRereads = 4

// read returns the size bytes that entries locate, which the caller can afford.
func (x *externalData) read(entries []*pb.StringStringEntryProto, size int) ([]byte, error) {
	if x.root == nil {
		return nil, errors.New("the data is in another file, which only a model read by its path can have")
	}
	location, offset := "", int64(0)
	for _, e := range entries {
		var err error
		switch e.GetKey() {
		case "location":
			location = e.GetValue()
		case "offset":
			offset, err = strconv.ParseInt(e.GetValue(), 10, 64)
			if offset < 0 {
				err = errors.New("negative")
			}
		case "length":
			var length int64
			length, err = strconv.ParseInt(e.GetValue(), 10, 64)
			if err == nil && length != int64(size) {
				return nil, fmt.Errorf("external data has a length of %d bytes, the shape wants %d", length, size)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("external data: %s is %q, want a number of bytes", e.GetKey(), e.GetValue())
		}
	}
	location = filepath.FromSlash(strings.ReplaceAll(location, `\`, "/"))
	if !filepath.IsLocal(location) {
		return nil, fmt.Errorf("external data is at %q, want a file in the model's folder", location)
	}
	info, err := x.root.Stat(location)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("external data file %q is missing in the model's folder", location)
	}
	if err != nil {
		return nil, fmt.Errorf("external data file %q: %w", location, err)
	}
	if !info.Mode().IsRegular() || offset > info.Size() || int64(size) > info.Size()-offset {
		return nil, fmt.Errorf("external data file %q has %d bytes, want %d from byte %d on", location, info.Size(), size, offset)
	}
	if x.used == nil {
		x.used = map[string]int64{}
	}
	if x.used[location] += int64(size); x.used[location] > maxRereads*info.Size() {
		return nil, fmt.Errorf("external data file %q is used more than %d times over", location, maxRereads)
	}
	f, err := x.root.Open(location)
	if err != nil {
		return nil, fmt.Errorf("external data file %q: %w", location, err)
	}
	defer f.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, offset, int64(size)), data); err != nil {
		return nil, fmt.Errorf("external data file %q: %w", location, err)
	}
	return data, nil
}
