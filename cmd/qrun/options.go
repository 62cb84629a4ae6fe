package main

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"qconv/runtime"
	"qconv/runtime/bytesize"
	"qconv/runtime/picture"
)

const usage = `qrun - run an integer program made by qconv

Usage:
  qrun [FLAGS] MODEL.qlut FILE...
  qrun [FLAGS] MODEL.qlut --input NAME=FILE --input NAME2=FILE2 ...

A qrun that "qconv pack" made carries its program: leave MODEL.qlut out.
FILE is a picture (PNG, JPEG, GIF, BMP, WebP), which is stretched to the input's size; IDX
(gzipped or not); numbers [C][H][W] as the network takes them (.npy, .f32, .s16, .csv with a
sample in a line, .wav where it takes sound); or raw bytes [C][H][W]. FILE#7 and FILE#0:100 choose samples of one that holds many. - is
standard input; pipes and devices are read to their end.
A program with several inputs takes a file for each, all with as many samples, or
FILEs of raw bytes with the inputs one after the other in every sample. --info lists
the inputs, and what bytes mean to each.
Flags may stand before or after the files; -- ends them.

  --input NAME=FILE  the samples for the input of that name; FILE alone for the only one
  --top N         how many of the best classes to print (default 3)
  --json          one JSON document on standard output, exact integers; a file that cannot be used
                  has an object with an error in it, the others their results
  --loop          read raw frames or numbers (--format f32) from a pipe for ever, and print one
                  line of JSON for each as soon as it is there, also without --json: every one stands
                  for itself
  --stream        FILE (default: standard input) is a stream of frames, each of what one run takes:
                  raw bytes, or with --format f32 or s16 numbers. They are run one after the other, a
                  program that is a step of a stream carries its states on, and the result of
                  each is printed as soon as it is there: a line with the class or with all
                  outputs in numbers, or with --json a line of JSON. Steps whose window is not full yet
                  have no line
  --warmup        with --stream: print these steps as well, marked as warm-up
  --format KIND   what FILEs are, whatever their names: picture, idx, raw, npy, f32, s16 (16-bit PCM,
                  of which 32768 is the number 1), csv or wav
  --size WxH      raw bytes are frames of that many pixels (default: of the input's size), which
                  are stretched to the input's size
  --pixel P       pixels of a frame: rgb, bgr, gray, yuyv or nv12 (default rgb, or gray for inputs
                  of one channel)
  --order O       hwc: the colours of a pixel together (default for frames), chw: all of a colour
  --crop          cut frames to the input's proportions before they are stretched
  --selftest      run the tests the program carries
  --info          inputs, layers, bytes and exact RAM
  --bench         the median time of whole inferences, and kernel and time of every layer
                  within the inference that took it: they add up, with a line for the rest
  --bench-time S  seconds to measure (default 1)
  --kernel NAME   "portable" leaves vectors out, "generic" looks up every product;
                  without it, the environment variable QCONV_KERNEL may name one
  --low-memory    take no more RAM, beside the activations, than a third of what the weights
                  take as float32: layers whose fast form does not fit decode their weights
                  in every run, one output channel at a time (1 to 5 times the time)
  --workers N     goroutines that share every large layer (default 1, at most 256);
                  with --bench also the time per sample of a batch
  --max-memory N  most bytes for the program and all that running it takes, such as 64MB or
                  1GiB (default 1GiB; on 32-bit machines 64MiB above the size of the file).
                  It takes the forms of layers that are fastest together and fit
  --max-macs N    most multiply-accumulates, comparisons and moves of one inference
                  (default 2^30, and 1024 for each byte of the program)
  --version       the version of qrun
  --help          this text

Exit codes: 0 all is well, 1 failure, 2 wrong command line, 3 a file that cannot be used: the
other files' results are printed.

Examples: arecord -t raw -f S16_LE -r 16000 | qrun --stream --format s16 words.qlut
          v4l2-ctl --stream-mmap --stream-to=- | qrun --loop --size 320x240 --pixel yuyv net.qlut -
`

// options are the parsed arguments.
type options struct {
	model  string
	own    []byte // the program behind this executable, which model names then; nil: model is a file
	files  []string
	inputs []string // of --input

	json, selftest, info, bench, lowMemory, help, version, loop bool

	stream, warmup bool

	layout layout    // of FILEs
	stdin  io.Reader // what - reads
	stderr io.Writer // what notes go to

	top       int
	workers   int
	kernel    string
	benchTime time.Duration
	limits    runtime.Limits
	maxMemory int64 // 0: not given
}

// parse reads flags and files, behind the name of the program, in any order. own is the program that it carries, if any.
func parse(args []string, own []byte) (options, error) {
	o := options{own: own, top: 3, workers: 1, benchTime: time.Second}
	switches := map[string]*bool{
		"json": &o.json, "selftest": &o.selftest, "info": &o.info, "bench": &o.bench,
		"low-memory": &o.lowMemory, "help": &o.help, "h": &o.help, "version": &o.version,
		"loop": &o.loop, "crop": &o.layout.crop, "stream": &o.stream, "warmup": &o.warmup,
	}
	values := map[string]func(string) error{
		"input":      func(s string) error { o.inputs = append(o.inputs, s); return nil },
		"format":     func(s string) error { return parseWord(s, &o.layout.kind, kinds...) },
		"pixel":      func(s string) error { _, err := picture.ParsePixel(s); o.layout.pixel = s; return err },
		"order":      func(s string) error { return parseWord(s, &o.layout.order, "hwc", "chw") },
		"size":       func(s string) error { return parseSize(s, &o.layout) },
		"top":        func(s string) error { return parseCount(s, &o.top) },
		"kernel":     func(s string) error { o.kernel = s; return nil },
		"workers":    func(s string) error { return parseCount(s, &o.workers) },
		"bench-time": func(s string) error { return parseSeconds(s, &o.benchTime) },
		"max-memory": func(s string) (err error) { o.maxMemory, err = bytesize.Parse(s); return err },
		"max-macs":   func(s string) error { return parseCount64(s, &o.limits.MACs) },
	}
	var files []string
	if own != nil {
		files = args[:1:1]
	}
	args = args[1:]
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			files = append(files, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			files = append(files, arg)
			continue
		}
		name, value, joined := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		if b := switches[name]; b != nil {
			if joined {
				return o, usagef("flag --%s takes no value", name)
			}
			*b = true
			continue
		}
		set := values[name]
		if set == nil {
			return o, usagef("unknown flag %s", arg)
		}
		if !joined {
			if i+1 == len(args) {
				return o, usagef("flag --%s needs a value", name)
			}
			i++
			value = args[i]
		}
		if err := set(value); err != nil {
			return o, usagef("flag --%s: %v", name, err)
		}
	}
	return o, o.assign(files)
}

// assign splits the files into the model and its inputs and checks that they fit the mode.
func (o *options) assign(files []string) error {
	switch {
	case o.help, o.version:
		return nil
	case len(files) == 0:
		return usagef("no MODEL.qlut given")
	}
	o.model, o.files = files[0], files[1:]
	if o.stream && !o.mode() && len(o.files)+len(o.inputs) == 0 {
		o.files = []string{"-"}
	}
	given := slices.Concat(o.files, o.inputs)
	switch {
	case o.mode() && len(given) > 0:
		return usagef("--selftest, --info and --bench take no input files, got %q", given[0])
	case len(o.files) > 0 && len(o.inputs) > 0:
		return usagef("got %q and --input %q, want FILE... or --input for every input", o.files[0], o.inputs[0])
	case o.kernel != "" && o.kernel != "generic" && o.kernel != "portable":
		return usagef("flag --kernel: got %q, want portable or generic", o.kernel)
	case o.layout.frames() && o.layout.kind != "" && o.layout.kind != kindRaw:
		return usagef("--size, --pixel, --order and --crop describe raw bytes, got --format %s", o.layout.kind)
	case o.layout.order == "chw" && (o.layout.pixel == "yuyv" || o.layout.pixel == "nv12"):
		return usagef("flag --order: %s has an order of its own", o.layout.pixel)
	case o.loop && o.stream:
		return usagef("flags --loop and --stream exclude each other: --loop runs every sample for itself")
	case o.warmup && !o.stream:
		return usagef("flag --warmup: want --stream as well")
	case (o.loop || o.stream) && (o.mode() || len(given) != 1 || o.layout.kind != "" && o.layout.kind != kindRaw && numberBytes[o.layout.kind] == 0):
		return usagef("flag --%s: want one FILE or - of raw bytes or, with --format f32 or s16, of numbers", map[bool]string{true: "loop", false: "stream"}[o.loop])
	case o.workers > 256:
		return usagef("flag --workers: got %d, want at most 256", o.workers)
	}
	return nil
}

// mode tells whether something else is asked for than results of samples.
func (o *options) mode() bool { return o.selftest || o.info || o.bench }

// nothing tells that results are asked for, but of no samples.
func (o *options) nothing() bool { return !o.mode() && len(o.files) == 0 && len(o.inputs) == 0 }

// runtime are the options of a Runner.
func (o *options) runtime() runtime.Options {
	return runtime.Options{Kernel: o.kernel, Workers: o.workers, LowMemory: o.lowMemory, MaxMemory: o.maxMemory, Limits: o.limits}
}

// parseWord takes one of some words.
func parseWord(s string, word *string, words ...string) error {
	if !slices.Contains(words, s) {
		return usagef("got %q, want one of %s", s, strings.Join(words, ", "))
	}
	*word = s
	return nil
}

// parseSize reads WxH.
func parseSize(s string, l *layout) error {
	w, h, found := strings.Cut(s, "x")
	var err error
	if l.width, err = strconv.Atoi(w); err == nil {
		l.height, err = strconv.Atoi(h)
	}
	if f := (picture.Frame{Width: l.width, Height: l.height, Pixel: picture.Grey}); err != nil || !found || f.Check() != nil {
		return usagef("%q is no size in pixels such as 320x240", s)
	}
	return nil
}

func parseCount(s string, n *int) error {
	v, err := strconv.Atoi(s)
	if err != nil || v < 1 {
		return usagef("%q is not a positive whole number", s)
	}
	*n = v
	return nil
}

func parseCount64(s string, n *int64) error {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 1 {
		return usagef("%q is not a positive whole number", s)
	}
	*n = v
	return nil
}

func parseSeconds(s string, d *time.Duration) error {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0 && v <= 3600) {
		return usagef("%q is not a number of seconds up to 3600", s)
	}
	*d = time.Duration(v * float64(time.Second))
	return nil
}
