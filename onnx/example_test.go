package onnx_test

import (
	"fmt"
	"log"

	"qconv/onnx"
)

// Reading checks a file, and simplifying folds constants and BatchNormalization into the layers before them.
func ExampleRead() {
	graph, err := onnx.Read("../testdata/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	before := len(graph.Nodes)
	if _, err := onnx.Simplify(graph); err != nil {
		log.Fatal(err)
	}
	cost := onnx.Costs(graph)
	for _, n := range graph.Nodes {
		parameters, macs := cost(n)
		if macs > 0 {
			fmt.Println(n.Op.Type(), n.Outputs[0].Shape, parameters, "parameters,", macs, "multiply-accumulates")
		}
	}
	fmt.Println("fewer nodes than in the file:", len(graph.Nodes) < before)
	// Output:
	// Conv [N,8,28,28] 208 parameters, 156800 multiply-accumulates
	// Conv [N,16,14,14] 3216 parameters, 627200 multiply-accumulates
	// Gemm [N,48] 37680 parameters, 37632 multiply-accumulates
	// Gemm [N,10] 490 parameters, 480 multiply-accumulates
	// fewer nodes than in the file: true
}
