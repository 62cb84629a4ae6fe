package finetune_test

import (
	"context"
	"fmt"
	"log"

	"qconv/finetune"
	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// From an ONNX file and a data set to a program that runs anywhere.
func Example() {
	graph, err := onnx.Read("../testdata/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := onnx.Simplify(graph); err != nil {
		log.Fatal(err)
	}
	model, err := quant.FromGraph(graph)
	if err != nil {
		log.Fatal(err)
	}
	model.Input = quant.Preprocess{Scale: []float64{1. / 255}, Mean: []float64{0.1}, Std: []float64{0.22}, Given: true}

	digits, err := dataset.Open("../testdata/digits#train", dataset.Options{Channels: 1, Limit: 320, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer digits.Close()
	if err := digits.Preprocess(model.Input, 1); err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	calibration := finetune.DefaultCalibrateConfig()
	calibration.Levels = 32
	if _, err := finetune.Calibrate(ctx, model, digits, calibration); err != nil {
		log.Fatal(err)
	}
	training := finetune.DefaultConfig()
	training.Cluster.Weights = 16
	training.Steps = 20
	if _, err := finetune.Tune(ctx, model, digits, training); err != nil {
		log.Fatal(err)
	}

	program, err := quant.Compile(model)
	if err != nil {
		log.Fatal(err)
	}
	runner, err := runtime.NewRunner(program, runtime.Options{})
	if err != nil {
		log.Fatal(err)
	}
	right := 0
	pixels := make([]byte, digits.Elems())
	for i := range digits.Len() {
		if err := digits.Pixels(i, pixels); err != nil {
			log.Fatal(err)
		}
		outputs, err := runner.Run(pixels)
		if err != nil {
			log.Fatal(err)
		}
		if program.Top(outputs[0], 1)[0].Index == digits.Labels[i] {
			right++
		}
	}
	fmt.Println("more than nine of ten are right:", right*10 > digits.Len()*9)
	// Output: more than nine of ten are right: true
}
