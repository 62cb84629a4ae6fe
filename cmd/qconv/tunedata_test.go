package main

import (
	"archive/zip"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// classFolders makes a folder of 28x28 pictures, five for each class.
func classFolders(t *testing.T, classes ...string) string {
	t.Helper()
	dir := t.TempDir()
	for k, class := range classes {
		if err := os.Mkdir(filepath.Join(dir, class), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			img := image.NewGray(image.Rect(0, 0, 28, 28))
			for y := range 28 {
				img.SetGray(4+k, y, color.Gray{uint8(150 + 10*i)})
			}
			f, err := os.Create(filepath.Join(dir, class, string(rune('a'+i))+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	return dir
}

// zipped packs a folder.
func zipped(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "data.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

var tenDigits = strings.Split("0123456789", "")

// TestTuneData gives folders and zip files with all that can be wrong with them.
func TestTuneData(t *testing.T) {
	dir, model := importDigits(t)
	add := func(data, name, content string) string {
		if err := os.WriteFile(filepath.Join(data, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return data
	}
	empty := classFolders(t, tenDigits...)
	if err := os.Mkdir(filepath.Join(empty, "none"), 0o777); err != nil {
		t.Fatal(err)
	}
	broken := add(add(classFolders(t, tenDigits...), "3/z.png", "no picture"), "4/y.jpg", "")
	animals := classFolders(t, "ape", "bee", "cat")
	good := classFolders(t, tenDigits...)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want []string // on stderr
	}{
		{"empty class", []string{"--data", empty}, exitBadInput, []string{"none: this class folder holds no pictures"}},
		{"broken picture", []string{"--data", broken}, exitBadInput, []string{"3/z.png: not an image", "(--skip-bad leaves such samples out)"}},
		{"broken picture in a zip", []string{"--data", zipped(t, broken)}, exitBadInput, []string{"3/z.png: not an image", "(--skip-bad leaves such samples out)"}},
		{"left out", []string{"--data", broken, "--skip-bad"}, exitOK, []string{"skipped: 3/z.png: not an image", "skipped: 4/y.jpg: the file is empty"}},
		{"left out of a zip", []string{"--data", zipped(t, broken), "--skip-bad"}, exitOK, []string{"skipped: 3/z.png: not an image", "skipped: 4/y.jpg: the file is empty"}},
		{"no zip", []string{"--data", writeFile(t, "x.zip", "PK\x03\x04 and no more")}, exitBadInput, []string{"x.zip", "not a readable zip file"}},
		{"a class too many", []string{"--data", classFolders(t, append(tenDigits, "cat")...)}, exitBadInput, []string{"cat/a.png has class 10 (cat), the network has the classes 0 to 9 (--no-labels leaves classes out)"}},
		{"classes left out", []string{"--data", classFolders(t, append(tenDigits, "cat")...), "--no-labels"}, exitOK, []string{"warning: 55 samples are too few to hold some back"}},
		{"a class too many to validate", []string{"--data", good, "--val", classFolders(t, append(tenDigits, "cat")...)}, exitBadInput, []string{"cat: this class folder is none of the 10 classes wanted"}},
		{"other classes", []string{"--data", animals}, exitOK, []string{"has 3 classes, numbered by the alphabet, the network has 10: give their names with --labels"}},
		{"overlap", []string{"--data", good, "--val", zipped(t, good)}, exitOK, []string{"warning: 50 of the 50 samples of --val are among those of --data"}},
		{"nothing held back", []string{"--data", good}, exitOK, []string{"warning: 50 samples are too few to hold some back"}},
		{"small layers", []string{"--data", good, "--weights", "300"}, exitOK, []string{"note: layers with no more weights than --weights 300 are not clustered: 0.weight (200)\n"}},
		{"augmented rows", []string{"--data", good, "--augment", "crop=28"}, exitUsage, []string{"flag --augment: ", "crop: got 28 pixels, want 0..27"}},
	} {
		out := filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "_"))
		args := append([]string{"finetune", model, "--steps", "2", "--batch", "8", "--calib-samples", "10", "-o", out}, tt.args...)
		code, _, stderr := call(args...)
		if code != tt.code {
			t.Errorf("%s: exit %d, want %d:\n%s", tt.name, code, tt.code, stderr)
		}
		for _, want := range tt.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: stderr lacks %q:\n%s", tt.name, want, stderr)
			}
		}
		_, err := os.Stat(out)
		if left, _ := filepath.Glob(out + ".*"); (err == nil) != (code == exitOK) || len(left) > 0 {
			t.Errorf("%s: exit %d, result %v, other files %v", tt.name, code, err, left)
		}
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		if code != exitOK && code != exitUsage && !strings.HasPrefix(lines[len(lines)-1], "qconv finetune: ") {
			t.Errorf("%s: the error takes more than a line:\n%s", tt.name, stderr)
		}
	}
}
