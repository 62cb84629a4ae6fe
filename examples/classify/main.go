// Command classify says what is on pictures, with a program made by qconv: a module of its own, as a user of the library has one.
package main

import (
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"log"
	"os"

	"qconv/runtime"
	"qconv/runtime/picture"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: classify MODEL.qlut PICTURE...")
	}
	program, err := runtime.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if !program.IsClassifier() || len(program.Inputs) != 1 {
		log.Fatalf("%s does not tell classes of pictures", os.Args[1])
	}
	runner, err := runtime.NewRunner(program, runtime.Options{})
	if err != nil {
		log.Fatal(err)
	}
	pixels := make([]byte, program.SampleBytes())
	for _, name := range os.Args[2:] {
		file, err := os.Open(name)
		if err != nil {
			log.Fatal(err)
		}
		img, _, err := image.Decode(file)
		file.Close()
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		if err := picture.Input(pixels, img, program, 0); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		outputs, err := runner.Run(pixels)
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		for _, class := range program.Top(outputs[0], 3) {
			fmt.Println(name, class.Index, class.Label, class.Score)
		}
	}
}
