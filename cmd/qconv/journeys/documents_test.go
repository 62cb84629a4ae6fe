package journeys

import (
	"archive/zip"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qconv/finetune/dataset"
	"qconv/internal/testtool"
)

// documents are the pages whose commands are run.
var documents = []string{"README.md", "docs/tutorial.md", "docs/board.md", "docs/cluster.md", "docs/sequences.md"}

// elsewhere are commands of documents that need what a test has not: another machine, a camera, a terminal.
var elsewhere = []string{"scp ", "ssh ", "capture ", "CGO_ENABLED=0", "go build", "go run", "go test", "git ", "qemu-arm-static", "make ", "docker ", "source "}

// TestDocuments runs the commands that documents show, indented blocks of lines, one after the other in a folder of their own. What qconv is asked
// must succeed; other commands are a shell's.
func TestDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	root, bin := repository(t), t.TempDir()
	build(t, nil, "-o", bin+"/", "./cmd/qconv", "./cmd/qrun")
	build(t, []string{"GOOS=linux", "GOARCH=arm", "GOARM=5", "CGO_ENABLED=0"}, "-o", bin+"/qrun-linux-armv5", "./cmd/qrun")
	for _, page := range documents {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, page))
			if err != nil {
				t.Fatal(err)
			}
			dir := documentFolder(t, root, bin)
			ran := 0
			for _, line := range commandLines(string(text)) {
				if script, ok := strings.CutPrefix(line, "python3 "); ok {
					line = testtool.Torch(t) + " " + script
				}
				if strings.HasPrefix(line, "./qrun-model") { // of another machine
					line = testtool.Path(t, "qemu-arm-static", "apt-get install qemu-user-static") + " " + line
				}
				cmd := exec.Command("bash", "-c", "set -o pipefail; "+line)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
				ran++
			}
			if ran == 0 {
				t.Error("no command was run")
			}
		})
	}
}

// commandLines are the commands of a page without their comments.
func commandLines(page string) []string {
	var lines []string
	whole, fenced := "", false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if !strings.HasPrefix(line, "    ") || fenced {
			whole = ""
			continue
		}
		line, _, _ = strings.Cut(line, "  # ")
		line, _, _ = strings.Cut(line, "   # ")
		line = whole + strings.TrimSpace(line)
		if cut, ok := strings.CutSuffix(line, "\\"); ok {
			whole = cut
			continue
		}
		whole = ""
		isCommand := false
		for _, start := range []string{"./qconv ", "./qrun ", "./qrun-model ", "python3 docs/", "head "} {
			isCommand = isCommand || strings.HasPrefix(line, start)
		}
		for _, start := range elsewhere {
			isCommand = isCommand && !strings.Contains(line, start)
		}
		if isCommand {
			lines = append(lines, line)
		}
	}
	return lines
}

// documentFolder is a folder as documents suppose one: the binaries, the repository's files, and a model, pictures and a program of one's own.
func documentFolder(t *testing.T, root, bin string) string {
	t.Helper()
	dir := t.TempDir()
	for name, target := range map[string]string{"testdata": root + "/testdata", "docs": root + "/docs", "qconv": bin + "/qconv", "qrun": bin + "/qrun"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	model, err := os.ReadFile(root + "/testdata/digits.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/model.onnx", model, 0o666); err != nil {
		t.Fatal(err)
	}
	writePictures(t, root, dir)
	qconv := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(bin+"/qconv", args...).CombinedOutput(); err != nil {
			t.Fatalf("qconv %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	qconv("import", dir+"/model.onnx", "--scale", "1/255", "--mean", "0.1", "--std", "0.22", "-o", dir+"/model.q.onnx")
	qconv("finetune", dir+"/model.q.onnx", "--data", root+"/testdata/digits"+"#train", "--samples", "200", "--steps", "5", "--codebook", "integer", "-o", dir+"/model.tuned.q.onnx")
	qconv("convert", dir+"/model.tuned.q.onnx", "-o", dir+"/model.qlut")
	return dir
}

// writePictures makes pictures.zip, with train and test folders of ten classes, and picture.png of bundled digits.
func writePictures(t *testing.T, root, dir string) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "pictures.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for part, count := range map[string]int{"train": 300, "test": 100} {
		set, err := dataset.Open(root+"/testdata/digits"+"#"+part, dataset.Options{Channels: 1, Limit: count, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		for i := range set.Len() {
			digit := image.NewGray(image.Rect(0, 0, 28, 28))
			if err := set.Pixels(i, digit.Pix); err != nil {
				t.Fatal(err)
			}
			w, err := archive.Create(fmt.Sprintf("%s/%d/%04d.png", part, set.Labels[i], i))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(w, digit); err != nil {
				t.Fatal(err)
			}
			if i == 0 && part == "test" {
				picture, err := os.Create(filepath.Join(dir, "picture.png"))
				if err != nil {
					t.Fatal(err)
				}
				png.Encode(picture, digit)
				picture.Close()
			}
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}
