package qconv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"qconv/internal/testtool"
)

// TestNamedTests looks for the tests that docs/reliability.md names. A name may end in … for several.
func TestNamedTests(t *testing.T) {
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := exec.Command("git", "ls-files", "*_test.go").Output()
	if err != nil {
		t.Skipf("no git checkout: %v", err)
	}
	var source strings.Builder
	for _, name := range strings.Fields(string(files)) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(data)
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)(…?)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 10 {
		t.Fatalf("docs/reliability.md names %d tests", len(names))
	}
	for _, m := range names {
		end := "("
		if m[2] != "" {
			end = ""
		}
		if !strings.Contains(source.String(), "\nfunc "+m[1]+end) {
			t.Errorf("docs/reliability.md names %s, which is no test", m[0])
		}
	}
}

// TestBoardCommands runs the commands of docs/board.md, one after the other in a folder with a model and a tuned one, and a qrun for
// ARM beside qconv. Those of the board run under QEMU.
func TestBoardCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("builds qconv")
	}
	text, err := os.ReadFile("docs/board.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	build := func(env, out, program string) {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, out), program)
		cmd.Env = append(os.Environ(), strings.Fields(env)...)
		if message, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, message)
		}
	}
	build("", "qconv", "./cmd/qconv")
	build("GOOS=linux GOARCH=arm GOARM=5 CGO_ENABLED=0", "qrun-linux-armv5", "./cmd/qrun")
	run := func(command string) string {
		cmd := exec.Command("sh", "-ec", command)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	data, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	run("./qconv finetune '" + data + "/digits.onnx' --data '" + data + "/digits#test' --steps 1 --codebook integer -o model.tuned.q.onnx")
	run("./qconv convert model.tuned.q.onnx -o model.qlut")
	commands := regexp.MustCompile(`(?m)^    (\./q.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(commands) < 7 {
		t.Fatalf("docs/board.md holds %d commands", len(commands))
	}
	for _, c := range commands {
		command := c[1]
		if strings.HasPrefix(command, "./qrun-model") {
			command = testtool.Path(t, "qemu-arm-static", "apt-get install qemu-user-static") + " " + command
		}
		if out := run(command); out == "" {
			t.Errorf("%s says nothing", command)
		}
	}
	for _, made := range []string{"qrun-model", "digits/network.go", "model.integer.onnx", "model.qdq.onnx"} {
		if _, err := os.Stat(filepath.Join(dir, made)); err != nil {
			t.Error(err)
		}
	}
}
