package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// chunk is one kind of chunk: its writer, its reader, and the check of what was read,
// which may rely on the checks of the chunks before it.
type chunk struct {
	id    string
	holds string
	// present says whether the chunk is written; nil stands for always. A reader demands
	// the chunks that are always written.
	present func(p *Program) bool
	encode  func(w *writer, p *Program)
	decode  func(r *reader, p *Program)
	check   func(c *checker) *fault
}

// chunks lists all kinds in the order in which they stand in a file. A reader skips
// unknown chunks whose id starts with a small letter and rejects others.
var chunks = [...]chunk{
	{"TNSR", "tensors", nil, encodeTensors, decodeTensors, (*checker).tensors},
	{"BOOK", "codebooks", hasCodebooks, encodeCodebooks, decodeCodebooks, (*checker).codebooks},
	{"STEP", "step functions", hasSteps, encodeSteps, decodeSteps, (*checker).steps},
	{"PORT", "input and outputs", nil, encodePorts, decodePorts, (*checker).ports},
	{"INPS", "further inputs", hasFurtherInputs, encodeFurtherInputs, decodeFurtherInputs, (*checker).furtherInputs},
	{"STAT", "states of a stream", hasStream, encodeStream, decodeStream, (*checker).stream},
	{"CODE", "instructions", nil, encodeInstrs, decodeInstrs, (*checker).instrs},
	{"LOOP", "loops", hasLoops, encodeLoops, decodeLoops, (*checker).loops},
	{"BIAS", "biases", hasLinears, encodeBiases, decodeBiases, (*checker).biases},
	{weightsID, "weights", hasLinears, encodeWeights, decodeWeights, (*checker).weights},
	{"shft", "scales of the inputs' channels", hasShifts, encodeShifts, decodeShifts, (*checker).shifts},
	{"norm", "normalizations left to the reader", hasNormalizations, encodeNormalizations, decodeNormalizations, (*checker).normalizations},
	{"feat", "features of sound", hasFeatures, encodeFeatures, decodeFeatures, (*checker).features},
	{"labl", "class names", hasLabels, encodeLabels, decodeLabels, (*checker).labels},
	{"prov", "origin", hasProvenance, encodeProvenance, decodeProvenance, (*checker).provenance},
	{"test", "self-tests", hasSelfTests, encodeSelfTests, decodeSelfTests, (*checker).selfTests},
}

// skippable says whether a reader may ignore a chunk that it does not know.
func skippable(id string) bool { return id[0] >= 'a' }

// Encode writes p in the format of FORMAT.md. Equal programs give equal bytes. The error
// is that of [Program.Validate], or says that the file would be too large.
func Encode(p *Program) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	file := append([]byte(magic), 0, 0)
	version, entries := firstVersion, int64(0)
	for _, c := range chunks {
		if c.present != nil && !c.present(p) {
			continue
		}
		var w writer
		c.encode(&w, p)
		entries += w.entries
		version = max(version, w.version)
		file = appendFrame(file, c.id, w.buf)
	}
	if n := missingBytes(len(file)+frameBytes, entries, p.weightCount()); n > 0 {
		file = appendFrame(file, roomID, make([]byte, max(0, n-frameBytes)))
	}
	file = appendFrame(file, endID, nil)
	binary.LittleEndian.PutUint16(file[len(magic):], uint16(version))
	if len(file) > maxFileBytes {
		return nil, fmt.Errorf("runtime: the program takes %d bytes, want at most %d", len(file), maxFileBytes)
	}
	return file, nil
}

// Decode reads a program and validates it. The program does not refer to data. Any error
// is a [*FormatError]. Memory stays below 2 MiB + 256 bytes for each byte of data.
func Decode(data []byte) (*Program, error) {
	frames, err := readFrames(data)
	if err != nil {
		return nil, err
	}
	return decodeFrames(data, frames, decoding{limits: NoLimits.For(0)})
}

// decodeWithin is Decode of data that nobody else uses, within limits that are given: the program may refer to data.
// Where later is not nil it is told what is left to check.
func decodeWithin(data []byte, l Limits, later *unproved) (*Program, error) {
	frames, err := readFrames(data)
	if err != nil {
		return nil, err
	}
	return decodeFrames(data, frames, decoding{own: true, limits: l, later: later})
}

// decoding are the choices of decodeFrames.
type decoding struct {
	own    bool // the program may refer to the file
	limits Limits
	note   func(from, to int, meaning string) // is told every field of every known chunk; may be nil
	later  *unproved                          // is told what is left; nil: nothing is
}

// unproved is what is left to check of a program: that its weights can be decoded, and that no accumulator overflows.
type unproved struct {
	work   int64 // of one inference
	starts []int // of the weights of every term in the file
	ranges accRanger
}

// weights decodes the weights of l to into.
func (u *unproved) weights(p *Program, l *Linear, into []uint16) error {
	u.ranges.keep = true
	if f := u.ranges.add(p, l, into); f != nil {
		f = p.weightFault(l, f)
		return &FormatError{Offset: int64(u.starts[f.item]), Chunk: weightsID, Reason: f.reason}
	}
	return nil
}

// weightsID is the id of the chunk of weights.
const weightsID = "WGTS"

// decodeFrames parses and validates the chunks of a file.
func decodeFrames(file []byte, frames []frame, o decoding) (*Program, error) {
	frames, err := knownFrames(frames)
	if err != nil {
		return nil, err
	}
	p := new(Program)
	c := newChecker(p)
	c.ranges.keep, c.later = true, o.later != nil
	r := reader{
		file:    file,
		version: fileVersion(file),
		own:     o.own,
		entries: maxEntries(len(file)),
		weights: maxFileWeights(len(file)),
		limits:  o.limits,
		memory:  o.limits.Memory - int64(len(file)),
		note:    o.note,
	}
	for _, kind := range chunks {
		next := frame{id: "the end of the file", at: len(file)}
		if len(frames) > 0 {
			next = frames[0]
		}
		at := next.at
		r.chunk, r.starts = kind.id, nil
		switch {
		case next.id == kind.id:
			frames = frames[1:]
			r.pos, r.end = next.start, next.end
			kind.decode(&r, p)
			r.close()
			if r.err != nil {
				return nil, r.err
			}
		case kind.present == nil || kind.present(p):
			return nil, &FormatError{Offset: int64(at), Reason: fmt.Errorf("got %q, want chunk %q", next.id, kind.id)}
		}
		if c.later && kind.id == weightsID {
			o.later.starts = r.starts
		}
		if f := kind.check(c); f != nil {
			if f.item >= 0 && f.item < len(r.starts) {
				at = r.starts[f.item]
			}
			return nil, &FormatError{Offset: int64(at), Chunk: kind.id, Reason: f.reason}
		}
		if err := o.limits.checkWork(c.work); err != nil {
			return nil, err
		}
	}
	if c.later {
		o.later.work = c.work
	}
	if want := max(r.needed, firstVersion); r.version != want {
		return nil, &FormatError{Offset: int64(len(magic)), Reason: fmt.Errorf("the program stands in a file of version %d, want version %d, the least that knows its operations", r.version, want)}
	}
	if len(frames) > 0 && frames[0].id != endID {
		return nil, &FormatError{Offset: int64(frames[0].at), Chunk: frames[0].id, Reason: errors.New("the chunk is out of order or stands twice")}
	}
	return p, nil
}

// knownFrames leaves out chunks that this version does not know and may skip. Others that
// it does not know are an error.
func knownFrames(frames []frame) ([]frame, error) {
	var known []frame
	for _, f := range frames {
		switch {
		case isKnown(f.id):
			known = append(known, f)
		case !skippable(f.id):
			return nil, &FormatError{Offset: int64(f.at), Chunk: f.id,
				Reason: errors.New("this kind of chunk is unknown and must not be skipped: the file needs a newer version of this program")}
		}
	}
	return known, nil
}

// isKnown says that chunks with this id mean something to this version.
func isKnown(id string) bool {
	for _, c := range chunks {
		if c.id == id {
			return true
		}
	}
	return id == endID
}
