package onnx

import (
	"fmt"
	"slices"
	"strings"

	"qconv/onnx/internal/pb"
)

// inputs makes the graph inputs that are not initializers as well.
func (d *decoder) inputs(p *pb.GraphProto) error {
	bound := map[string]bool{}
	var open []openSize
	constant := map[string]bool{}
	for _, t := range p.GetInitializer() {
		constant[t.GetName()] = true
	}
	unused := d.unusedInputs(p, constant)
	batches := batchPlaces(p)
	for _, info := range p.GetInput() {
		if constant[info.GetName()] {
			continue
		}
		v := &Value{Name: info.GetName()}
		d.values[v.Name] = v
		where := fmt.Sprintf("graph input %q", v.Name)
		c := d.options.Constants[v.Name]
		if x, ok := d.options.Numbers[v.Name]; ok {
			c = filledInput(info, x, d.options.Dims, d.options.Samples, bound)
		}
		if c != nil {
			c, err := boundInput(info, c)
			if err != nil {
				return fmt.Errorf("onnx: read: the constant for %s: %w", where, err)
			}
			if len(c.Floats)+len(c.Ints) != c.Shape.Elems() {
				return fmt.Errorf("onnx: read: the constant for %s has %d elements, shape %v wants %d", where, len(c.Floats)+len(c.Ints), c.Shape, c.Shape.Elems())
			}
			bound[v.Name] = true
			v.setConst(c)
			continue
		}
		if unused[v.Name] {
			d.graph.Warnings = append(d.graph.Warnings, fmt.Sprintf("%s is left out, nothing uses it", where))
			for i, dim := range info.GetType().GetTensorType().GetShape().GetDim() {
				bound[dim.GetDimParam()], bound[fmt.Sprintf("%s:%d", v.Name, i)] = true, true
			}
			continue
		}
		base := v
		if at := batches[v.Name]; d.places != nil && at > 0 && at < len(info.GetType().GetTensorType().GetShape().GetDim()) && !d.whole {
			base = &Value{Name: v.Name}
			d.places[v] = place{base: base, at: at}
		}
		d.graph.Inputs = append(d.graph.Inputs, base)
		t := info.GetType().GetTensorType()
		kind := pb.TensorProto_DataType(t.GetElemType())
		_, known := elemBits[kind]
		reason := ""
		switch {
		case t == nil:
			reason = "not a tensor"
		case !known:
			reason = "elements of type " + typeName(t.GetElemType())
		case t.GetShape() == nil:
			reason = "the number of dimensions is not declared"
		}
		if reason != "" {
			d.refuse(where, reason)
			d.unknown[v] = true
			continue
		}
		v.Type = dataType(kind)
		if len(t.GetShape().GetDim()) > maxRank {
			return formatErrorf(where, "%d dimensions, want at most %d", len(t.GetShape().GetDim()), maxRank)
		}
		shape, sizes := d.inputShape(v.Name, t.GetShape(), max(d.places.of(v).at, 0), bound)
		if sizes != nil {
			open = append(open, sizes...)
			d.unknown[v] = true
			continue
		}
		base.Shape = shape
		if base != v {
			base.Shape, base.Type = shape.front(d.places[v].at), v.Type
			v.Shape = shape
			d.graph.Warnings = append(d.graph.Warnings, movedBatch(where, shape.String(), base.Shape))
		}
		if err := base.Shape.check(); err != nil {
			return &FormatError{Where: where, Err: err}
		}
		if err := d.budget.take(shape.Elems(), inputBytes); err != nil {
			return &FormatError{Where: where, Err: err}
		}
	}
	if open != nil {
		d.refuse("the model", askForSizes(open))
	}
	for _, name := range sortedKeys(d.options.Dims) {
		if !bound[name] {
			return fmt.Errorf("onnx: read: no graph input has a dimension %q to bind to %d", name, d.options.Dims[name])
		}
	}
	for _, name := range slices.Concat(sortedKeys(d.options.Constants), sortedKeys(d.options.Numbers)) {
		if !bound[name] {
			return fmt.Errorf("onnx: read: there is no graph input %q to make a constant", name)
		}
	}
	return nil
}

// openSize is a dimension of an input that has no size.
type openSize struct {
	where string // the input and the position
	key   string // what [ReadOptions.Dims] calls it
	guess int    // a size as such dimensions have
}

// askForSizes says what is open and how to bind it all.
func askForSizes(open []openSize) string {
	var where, flags []string
	seen := map[string]bool{}
	for _, s := range open {
		where = append(where, s.where)
		if !seen[s.key] {
			seen[s.key] = true
			flags = append(flags, "--dim "+plainName(fmt.Sprintf("%s=%d", s.key, s.guess)))
		}
	}
	return fmt.Sprintf("sizes of its inputs are open: %s; bind them to the sizes you want, as in %s", strings.Join(where, ", "), strings.Join(flags, " "))
}

// movedBatch says that a value has the batch in front here and elsewhere in the file.
func movedBatch(where, file string, here Shape) string {
	return fmt.Sprintf("%s is %s in the file and %v here: samples, whose elements keep their order, come one after the other", where, file, here)
}

// inputShape binds the dimensions of an input, of which dimension batch is the batch, and says which it cannot bind.
func (d *decoder) inputShape(name string, p *pb.TensorShapeProto, batch int, bound map[string]bool) (Shape, []openSize) {
	shape := Shape{}
	var open []openSize
	for i, dim := range p.GetDim() {
		// Some exporters write 0 or -1 for a size they do not know.
		size := dim.GetDimValue()
		known := size > 0
		for _, key := range []string{dim.GetDimParam(), fmt.Sprintf("%s:%d", name, i)} {
			if n, ok := d.options.Dims[key]; ok && key != "" {
				bound[key] = true
				if !known {
					size, known = int64(n), true
				}
			}
		}
		if i == batch && !known && d.options.Samples > 0 {
			size, known = int64(d.options.Samples), true
		}
		switch {
		case i == batch && !(known && d.whole):
			shape = append(shape, Batch)
			if known {
				d.unequal = d.unequal || d.fixed && d.batch != clampInt(size)
				d.fixed, d.batch = true, clampInt(size)
			}
		case known:
			shape = append(shape, clampInt(size))
		default:
			s := openSize{where: fmt.Sprintf("dimension %d of %q", i, name), key: fmt.Sprintf("%s:%d", name, i), guess: 16}
			if i > 1 && len(p.GetDim()) > 3 {
				s.guess = 224 // of a picture
			}
			if dim.GetDimParam() != "" {
				s.key = dim.GetDimParam()
				s.where += fmt.Sprintf(" (%q)", s.key)
			}
			open = append(open, s)
		}
	}
	return shape, open
}

// declaredShapes are the shapes of computed values in a file.
func declaredShapes(p *pb.GraphProto) map[string]Shape {
	shapes := map[string]Shape{}
	for _, info := range slices.Concat(p.GetValueInfo(), p.GetOutput()) {
		dims := info.GetType().GetTensorType().GetShape().GetDim()
		shape := make(Shape, len(dims))
		for i, d := range dims {
			shape[i] = clampInt(d.GetDimValue())
		}
		shapes[info.GetName()] = shape
	}
	return shapes
}

// called is a value under a name that the file asks for: the value itself if nothing asks for it by another.
func (d *decoder) called(v *Value, name string) *Value {
	if v.Const == nil && !d.outputs[v.Name] && !slices.Contains(d.graph.Inputs, v) {
		v.Name = name
		return v
	}
	out := &Value{Name: name, Shape: v.Shape, Type: v.Type}
	n := &Node{Name: d.freeNode(name), Op: &Identity{}, Inputs: []*Value{v}, Outputs: []*Value{out}}
	d.names[n.Name] = true
	d.graph.Nodes = append(d.graph.Nodes, n)
	return out
}

// graphOutputs finds the graph's outputs.
func (d *decoder) graphOutputs(p *pb.GraphProto) error {
	seen := map[*Value]bool{}
	for _, info := range p.GetOutput() {
		v := d.places.resolve(d.values[info.GetName()])
		where := fmt.Sprintf("graph output %q", info.GetName())
		if pl, ok := d.places[v]; ok {
			d.graph.Warnings = append(d.graph.Warnings, movedBatch(where, pl.inFile(v), pl.base.Shape))
			v = pl.base
		}
		if v != nil && v.Name != info.GetName() {
			v = d.called(v, info.GetName())
		}
		switch {
		case v == nil:
			return formatErrorf(where, "no node computes it")
		case seen[v]:
			return formatErrorf(where, "it is there twice")
		case d.isList(v):
			d.refuse(where, "it is a sequence of tensors")
		case d.exact[v] != nil:
			d.refuse(where, "it is computed from the batch size alone")
		}
		if c := d.codes[info.GetName()]; v != nil && c != nil {
			d.graph.Warnings = append(d.graph.Warnings, fmt.Sprintf("%s holds integer codes in the file, here the real numbers they stand for: %g * (code - %d)", where, c.Scale, c.Zero))
		}
		if v != nil {
			if err := d.budget.take(v.Shape.Elems(), outputBytes); err != nil {
				return &FormatError{Where: where, Err: err}
			}
		}
		seen[v] = true
		d.graph.Outputs = append(d.graph.Outputs, v)
	}
	if len(d.graph.Outputs) == 0 {
		return formatErrorf("", "the graph has no outputs")
	}
	return nil
}
