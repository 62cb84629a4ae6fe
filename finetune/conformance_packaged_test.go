package finetune

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qconv/onnx"

	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx" // registers the cases
	"gorgonia.org/tensor"
)

// TestPackagedConformance runs the cases of the ONNX backend test suite, of an older
// opset, that come with onnx-go.
func TestPackagedConformance(t *testing.T) {
	var cases []conformanceCase
	broken := map[string]error{}
	for _, register := range testbackend.GetAllRegisteredTests() {
		packaged := register()
		c := conformanceCase{name: packaged.Title, model: packaged.ModelB}
		var err error
		if c.inputs, err = fromDense(packaged.Input); err == nil {
			c.outputs, err = fromDense(packaged.ExpectedOutput)
		}
		if err != nil {
			broken[c.name] = err
		}
		cases = append(cases, c)
	}
	slices.SortFunc(cases, func(a, b conformanceCase) int { return strings.Compare(a.name, b.name) })
	checkConformance(t, "onnx-go", cases, broken, 240)
}

// fromDense converts tensors of onnx-go; all integers are widened.
func fromDense(list []tensor.Tensor) ([]*onnx.Tensor, error) {
	var out []*onnx.Tensor
	for i, d := range list {
		if d == nil {
			return nil, fmt.Errorf("tensor %d is missing", i)
		}
		t := &onnx.Tensor{Type: onnx.Float, Shape: onnx.Shape(slices.Clone(d.Shape()))}
		data := reflect.ValueOf(d.Data())
		if data.Kind() != reflect.Slice { // one number
			one := reflect.MakeSlice(reflect.SliceOf(data.Type()), 1, 1)
			one.Index(0).Set(data)
			data = one
		}
		for k := range data.Len() {
			switch v := data.Index(k); {
			case v.CanFloat():
				t.Floats = append(t.Floats, float32(v.Float()))
			case v.CanInt():
				t.Type, t.Ints = onnx.Int, append(t.Ints, v.Int())
			case v.CanUint():
				t.Type, t.Ints = onnx.Int, append(t.Ints, int64(v.Uint()))
			case v.Kind() == reflect.Bool:
				t.Type, t.Ints = onnx.Bool, append(t.Ints, 0)
				if v.Bool() {
					t.Ints[k] = 1
				}
			default:
				return nil, fmt.Errorf("tensor %d has elements of type %v", i, v.Type())
			}
		}
		if n := t.Shape.Elems(); n != data.Len() {
			return nil, fmt.Errorf("tensor %d has %d elements, shape %v wants %d", i, data.Len(), t.Shape, n)
		}
		out = append(out, t)
	}
	return out, nil
}
