package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"qconv/runtime/printable"
)

// Bounds for a whole process that is given hostile data: memory in bytes, and time on processors.
const (
	hostileMemory = 300 << 20
	hostileTime   = 2 * time.Second
)

// bounded runs qconv as a process of its own and holds it to the bounds. The text is all that it prints.
func bounded(t *testing.T, args ...string) (code int, text string) {
	t.Helper()
	code, stdout, stderr := boundedProcess(t, args...)
	return code, stdout + stderr
}

// boundedProcess does the same and keeps the two streams apart.
func boundedProcess(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := program(&errs, args)
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	peak := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(2 * time.Millisecond):
			peak = max(peak, peakMemory(cmd.Process.Pid))
		case <-time.After(time.Minute):
			cmd.Process.Kill()
			t.Fatalf("qconv %s does not end", strings.Join(args, " "))
		}
	}
	if peak > hostileMemory {
		t.Errorf("qconv %s takes %d bytes of memory", strings.Join(args, " "), peak)
	}
	if spent := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); spent > hostileTime {
		t.Errorf("qconv %s works for %v", strings.Join(args, " "), spent)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// peakMemory is the largest resident size of a process so far, in bytes; 0 where the system does not tell.
func peakMemory(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kb int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	return 0
}

// dataCommands are the commands that take data, as arguments before the data.
func dataCommands(t *testing.T, model, program string) [][]string {
	dir := t.TempDir()
	return [][]string{
		{"eval", model, "--data"}, {"eval", program, "--data"},
		{"convert", model, "-o", filepath.Join(dir, "out.qlut"), "--calib"},
		{"finetune", model, "-o", filepath.Join(dir, "out.q.onnx"), "--steps", "2", "--batch", "2", "--data"},
		{"run", model, "--input"}, {"run", program, "--input"},
	}
}

// TestSharedAttacks gives data that did harm to every command that takes data.
func TestSharedAttacks(t *testing.T) {
	dir := shared(t, "attacks")
	_, model := importDigits(t)
	program := convertDigits(t, model)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, f := range files {
		if ext := filepath.Ext(f.Name()); ext != ".gz" && ext != ".npz" && ext != ".zip" && ext != ".csv" && ext != ".png" {
			continue
		}
		tried++
		for _, command := range dataCommands(t, model, program) {
			if code, text := bounded(t, append(command, filepath.Join(dir, f.Name()))...); code != exitBadInput {
				t.Errorf("%s %s: exit %d, want %d\n%s", command, f.Name(), code, exitBadInput, text)
			}
		}
	}
	if tried == 0 {
		t.Error("no data among the attacks")
	}
}

// convertDigits makes a program of an imported model.
func convertDigits(t *testing.T, model string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "digits.qlut")
	mustCall(t, "convert", model, "--fast", "--calib", bundled(t, "digits")+"#train", "-o", out)
	return out
}

// TestSpecialData gives pipes and devices where files are wanted.
func TestSpecialData(t *testing.T) {
	_, model := importDigits(t)
	program := convertDigits(t, model)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skip("no pipes here")
	}
	for _, path := range []string{pipe, "/dev/zero"} {
		for _, command := range dataCommands(t, model, program) {
			if code, text := bounded(t, append(command, path)...); code != exitBadInput || !strings.Contains(text, "neither a file nor a folder") {
				t.Errorf("%s %s: exit %d\n%s", command, path, code, text)
			}
		}
		for _, flag := range []string{"--labels", "--config"} {
			if code, text := bounded(t, "convert", model, "--fast", "--calib", bundled(t, "digits"), flag, path); code != exitBadInput || !strings.Contains(text, "not a regular file") {
				t.Errorf("%s %s: exit %d\n%s", flag, path, code, text)
			}
		}
	}
}

// hostileNames are names that try to write where they must not; they keep their order in a folder.
var hostileNames = []string{
	"a\nqconv: all is well", "b\x1b[2J\x1b]0;title\x07", "c\u202egnp.exe", "d\xff\xfe", "e\x7f\u200b\u2028", "f\r\tx", "g\"'`\\", "h" + strings.Repeat("x", 200),
	"i plain", "j",
}

// hostileText demands that text has no character that a name could do harm with, and no line made by one.
func hostileText(t *testing.T, what, text string) {
	t.Helper()
	if printable.Text(text) != text || strings.Contains(text, "\nqconv: all is well") {
		t.Errorf("%s prints what must be hidden: %q", what, text)
	}
}

// tinyPNG is a picture of 28x28 pixels of one grey.
func tinyPNG(t *testing.T, v uint8) []byte {
	m := image.NewGray(image.Rect(0, 0, 28, 28))
	for i := range m.Pix {
		m.Pix[i] = color.Gray{v}.Y + uint8(i)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHostileNames has names of all kinds in data of all kinds, and looks at all that is printed.
func TestHostileNames(t *testing.T) {
	_, model := importDigits(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, hostileNames[0]), 0o755); err != nil {
		t.Skip("names of this kind cannot be used here")
	}
	var packed, broken bytes.Buffer
	z, zBroken := zip.NewWriter(&packed), zip.NewWriter(&broken)
	add := func(z *zip.Writer, name string, data []byte) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var csv strings.Builder
	write := func(path string, data []byte) string {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	quoted := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	csv.WriteString(quoted(hostileNames[0]) + ",label\n")
	for i, name := range hostileNames {
		for k := range 3 {
			file := name + "/" + hostileNames[k] + ".png"
			write(hostileNames[0]+"/"+file, tinyPNG(t, uint8(20*i+k)))
			add(z, file, tinyPNG(t, uint8(20*i+k)))
		}
		add(zBroken, name+"/"+name+".png", []byte("no picture"))
		fmt.Fprintf(&csv, "%s,%s\n", quoted(name), quoted(name))
	}
	z.Close()
	zBroken.Close()
	var arrays bytes.Buffer
	a := zip.NewWriter(&arrays)
	for _, name := range hostileNames {
		add(a, name+".npy", []byte(name))
	}
	a.Close()
	labels := write("labels.txt", []byte(strings.ToValidUTF8(strings.ReplaceAll(strings.Join(hostileNames, "\n"), "a\n", "a"), "?")))
	good := write(hostileNames[1]+".zip", packed.Bytes())
	data := []string{
		filepath.Join(dir, hostileNames[0]), good,
		write(hostileNames[2]+".zip", broken.Bytes()), write(hostileNames[3]+".csv", []byte(csv.String())),
		write(hostileNames[0]+".npz", arrays.Bytes()), write("x.npz", arrays.Bytes()) + "#" + hostileNames[1],
		filepath.Join(dir, hostileNames[4]), filepath.Join(dir, hostileNames[0]+"#"+hostileNames[1]),
	}
	program := filepath.Join(dir, hostileNames[5]+".qlut")
	code, stdout, stderr := call("convert", model, "--fast", "--calib", good, "--no-labels", "--labels", labels, "-o", program)
	if code != exitOK {
		t.Fatalf("convert: %s", stderr)
	}
	hostileText(t, "convert", stdout+stderr)
	picture := write("p/"+hostileNames[1]+".png", tinyPNG(t, 3))
	tuned := filepath.Join(dir, hostileNames[6]+".q.onnx")
	commands := [][]string{
		{"run", program, "--input", picture}, {"inspect", program}, {"bench", program, "--seconds", "0.01"},
		{"finetune", model, "--steps", "1", "--data", good, "-o", tuned, "--log", filepath.Join(dir, hostileNames[1]+".log")},
		{"inspect", tuned + " none"}, {"eval", program, "--data", good, "--labels", labels},
		{"run", model, "--labels", labels, "--input", picture}, {"eval", program, "--data", good, "--against", model},
		{"run", program, hostileNames[0], "--input", picture}, {hostileNames[0]}, {"--" + hostileNames[1], "x"},
		{"run", program, "--input", picture, "--expect", filepath.Join(dir, hostileNames[0]+".npz")},
	}
	for _, d := range data {
		for _, command := range dataCommands(t, model, program) {
			commands = append(commands, append(command, d))
		}
		commands = append(commands, []string{"eval", program, "--skip-bad", "--data", d})
	}
	for _, command := range commands {
		_, stdout, stderr := call(command...)
		hostileText(t, fmt.Sprintf("%q", command), stdout+stderr)
		code, stdout, stderr := call(append(command, "--json")...)
		hostileText(t, fmt.Sprintf("%q --json", command), stdout+stderr)
		if code == exitOK && !json.Valid([]byte(stdout)) {
			t.Errorf("%q prints no JSON: %q", command, stdout)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, hostileNames[1]+".log"))
	if err != nil {
		t.Fatal(err)
	}
	hostileText(t, "log", string(log))
}
