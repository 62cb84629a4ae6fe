package onnx

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"qconv/onnx/internal/pb"
)

// ReadOptions adjust how a model is read.
type ReadOptions struct {
	// Dims binds symbolic dimensions of the graph's inputs to sizes. A key is the symbol,
	// such as "height", or for dimensions without one the input and the position, such as
	// "image:2". The leading dimension of an input need not be bound: it is the batch.
	Dims map[string]int
	// Constants makes graph inputs, by name, constants of the graph. One whose shape lacks the input's leading
	// dimension gets a 1 there.
	Constants map[string]*Tensor
	// Numbers makes graph inputs, by name, constants that are this number everywhere. Dimensions without a size are
	// taken as 1.
	Numbers map[string]float64
	// Outputs are the values, by name, that become the graph's outputs, in this order; without any, those that the
	// file names. Nodes that do not lead to them are not read.
	Outputs []string
	// Samples, if it is not 0, is the size of leading dimensions that are open: those are dimensions like the others then, and
	// the network has no batch.
	Samples int
	// MaxMemory bounds the bytes that the model may take to be read, simplified and run once, as far as
	// its shapes tell. Without it (0) a file may take an amount that depends on its size, at most
	// [DefaultMaxMemory].
	MaxMemory int64
}

// Versions of files that are read. Between maxOpset and newestOpset no operator in the
// table of operators has changed but for its element types; such files are read with a
// warning.
const (
	minIR, maxIR, newestIR          = 1, 11, 13
	opsetIR                         = 3 // from which on files say what opset they are of; before, it is the first
	minOpset, maxOpset, newestOpset = 1, 23, 25
)

// Read reads the model at path, and the files beside it that hold its external data. It
// fails with a [FormatError], an [UnsupportedError] that lists everything qconv cannot
// take, or an error of the file system.
//
// A graph input's leading dimension becomes [Batch]. Where a node moves, cuts or joins it, and its size is a
// number, it is a dimension like the others and the network has no batch. Shapes of other values are inferred;
// declared ones count where rounding leaves a doubt.
func Read(path string) (*Graph, error) { return ReadWith(path, ReadOptions{}) }

// ReadWith is [Read] with options.
func ReadWith(path string, o ReadOptions) (*Graph, error) {
	data, err := readAll(path, o.MaxMemory)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("onnx: read: %w", err)
	}
	defer root.Close()
	return decode(data, decoder{options: o, external: externalData{root: root}})
}

// Decode reads a model without external data. It fails like [Read].
func Decode(data []byte) (*Graph, error) { return DecodeWith(data, ReadOptions{}) }

// DecodeWith is [Decode] with options.
func DecodeWith(data []byte, o ReadOptions) (*Graph, error) {
	return decode(data, decoder{options: o})
}

// decode reads a file twice where it must: first with the leading dimension of inputs as the batch,
// whatever its size; where a node moves, cuts or joins that dimension and it has a fixed size, with it as
// any other dimension of one sample.
func decode(data []byte, d decoder) (*Graph, error) {
	batched, whole := d, d
	if d.options.Samples > 0 {
		whole.whole = true
		return whole.decode(data)
	}
	g, err := batched.decode(data)
	if err == nil && !batched.unequal || !batched.fixed {
		return g, err
	}
	whole.whole = true
	g, second := whole.decode(data)
	if second == nil || err == nil || AboutBatch(err) {
		return g, second
	}
	// A contradiction that is none without a batch says less than what the network would need.
	var contradiction *FormatError
	var unsupported *UnsupportedError
	if errors.As(err, &contradiction) && errors.As(second, &unsupported) {
		return nil, second
	}
	return nil, err
}

// AboutBatch says whether all that an error of [Read] lists is what nodes would do to the batch.
func AboutBatch(err error) bool {
	var u *UnsupportedError
	return errors.As(err, &u) && !slices.ContainsFunc(u.Nodes, func(n UnsupportedNode) bool { return !strings.Contains(n.Reason, "batch") })
}

// DecodeTensor reads a tensor file (.pb), as the test suites of ONNX have them.
func DecodeTensor(data []byte) (*Tensor, error) {
	p := new(pb.TensorProto)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(data, p); err != nil {
		return nil, formatErrorf("", "not an ONNX tensor: %w", err)
	}
	t, err := new(decoder).tensor(p)
	if err != nil {
		return nil, &FormatError{Where: fmt.Sprintf("tensor %q", p.GetName()), Err: err}
	}
	return t, nil
}

// maxFile is the size in bytes that a protobuf message may have.
const maxFile = math.MaxInt32

func readAll(path string, maxMemory int64) ([]byte, error) {
	// A FIFO would wait for a writer when it is opened.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("onnx: read: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("onnx: read: %w", err)
	case !info.Mode().IsRegular():
		return nil, formatErrorf("", "%q is not a regular file", path)
	case info.Size() > maxFile:
		return nil, formatErrorf("", "the file has %d bytes, a model at most 2^31 (larger ones keep weights as external data)", info.Size())
	}
	if err := newBudget(maxMemory, info.Size()).take(int(info.Size()), fileCopies); err != nil {
		return nil, &FormatError{Err: err}
	}
	var buf bytes.Buffer
	buf.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := buf.ReadFrom(io.LimitReader(f, maxFile)); err != nil {
		return nil, fmt.Errorf("onnx: read: %w", err)
	}
	return buf.Bytes(), nil
}

// decode makes the graph of a file.
func (d *decoder) decode(data []byte) (*Graph, error) {
	if what := foreign(data); what != "" {
		return nil, formatErrorf("", "%s", what)
	}
	d.budget = newBudget(d.options.MaxMemory, int64(len(data)))
	if err := d.budget.take(len(data), fileCopies); err != nil {
		return nil, &FormatError{Err: err}
	}
	messages := maxMessages
	if err := checkMessages(data, (&pb.ModelProto{}).ProtoReflect().Descriptor(), maxDepth, &messages); err != nil {
		return nil, formatErrorf("", "not an ONNX model: %w", err)
	}
	if err := d.budget.take(maxMessages-messages, messageBytes); err != nil {
		return nil, &FormatError{Err: err}
	}
	model := new(pb.ModelProto)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: 2 * maxDepth}).Unmarshal(data, model); err != nil {
		return nil, formatErrorf("", "not an ONNX model: %w", err)
	}
	g, err := d.model(model)
	if err != nil {
		return nil, err
	}
	if err := d.budget.hold(g); err != nil {
		return nil, err
	}
	g.SHA256 = sha256.Sum256(data)
	return g, nil
}

// foreign recognizes files that are often taken for models, and says what they are.
func foreign(data []byte) string {
	text := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 256)], "\xef\xbb\xbf \t\r\n"))
	switch {
	case len(data) == 0:
		return "the file is empty"
	case bytes.HasPrefix(data, []byte("version https://git-lfs")):
		return "the file is a Git LFS pointer, not the model itself: fetch it with git lfs pull"
	case bytes.HasPrefix(text, []byte("<!doctype html")), bytes.HasPrefix(text, []byte("<html")):
		return "the file is an HTML page, not a model: download the raw file"
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return "the file is a zip archive (perhaps a PyTorch checkpoint), not an ONNX model: export it to ONNX first"
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return "the file is compressed with gzip: decompress it first"
	case bytes.HasPrefix(data, []byte("\x89HDF\r\n")):
		return "the file is HDF5 (perhaps a Keras model), not an ONNX model: export it to ONNX first"
	case len(data) >= 8 && string(data[4:8]) == "TFL3":
		return "the file is a TensorFlow Lite model, not an ONNX model"
	case len(data) >= 8 && string(data[4:8]) == "ORTM":
		return "the file is in the ORT format of ONNX Runtime, not ONNX: take the model that it was made from"
	case bytes.HasPrefix(data, []byte("\x89QLT")):
		return "the file is a program (.qlut), not an ONNX model: qconv run, eval, inspect and bench take it"
	case bytes.HasPrefix(data, []byte("\x80\x02")), bytes.HasPrefix(data, []byte("\x80\x04")):
		return "the file is a Python pickle (perhaps a PyTorch checkpoint), not an ONNX model: export it to ONNX first"
	case bytes.HasPrefix(data, []byte("\x93NUMPY")):
		return "the file is a NumPy array, not a model"
	case bytes.HasPrefix(data, []byte("\x89PNG")), bytes.HasPrefix(data, []byte("\xff\xd8\xff")), bytes.HasPrefix(data, []byte("GIF8")):
		return "the file is a picture, not a model"
	case isText(data[:min(len(data), 256)]):
		return "the file is text, not a model"
	}
	return ""
}

// isText says whether bytes hold nothing that text does not: an ONNX file begins with a control character.
func isText(head []byte) bool {
	for _, b := range head {
		if b < ' ' && b != '\n' && b != '\r' && b != '\t' && b != '\f' {
			return false
		}
	}
	return true
}

// Limits on the messages of a file, which take more memory than bytes in the file.
const (
	maxMessages = 1 << 20
	maxDepth    = 32 // of messages within messages
)

// checkMessages walks the wire format of a message and fails when there are more than left
// messages in it, or deeper ones than depth.
func checkMessages(data []byte, desc protoreflect.MessageDescriptor, depth int, left *int) error {
	if depth == 0 {
		return fmt.Errorf("messages are nested deeper than %d", maxDepth)
	}
	for len(data) > 0 {
		num, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(num, kind, data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		field := desc.Fields().ByNumber(num)
		if field != nil && field.Message() != nil && kind == protowire.BytesType {
			if *left--; *left < 0 {
				return errors.New("too many parts")
			}
			inner, _ := protowire.ConsumeBytes(data)
			if err := checkMessages(inner, field.Message(), depth-1, left); err != nil {
				return err
			}
		}
		data = data[size:]
	}
	return nil
}
