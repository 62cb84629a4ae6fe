package ortfuzz

import "qconv/internal/testtool"

var kindNames = map[kind]string{float32s: "float32", uint8s: "uint8", int8s: "int8", int32s: "int32", int64s: "int64", bools: "bool", doubles: "float64"}

// tensor is one of a run.
type tensor = testtool.Tensor

func newTensor(k kind, dims []int, values []float64) tensor {
	return tensor{Type: kindNames[k], Dims: append([]int{}, dims...), Data: raw(k, values)}
}

func valuesOf(t tensor) []float64 { return unraw(t.Type, t.Data) }
