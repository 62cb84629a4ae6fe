package qconv_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qconv/internal/testtool"
)

// TestDist builds the archive and the package of one target, from here and from a copy of what it needs in another folder, compares their
// bytes, and runs the qrun of the package.
func TestDist(t *testing.T) {
	if testing.Short() {
		t.Skip("builds packages")
	}
	emulator := testtool.Path(t, "qemu-arm-static", "apt-get install qemu-user-static")
	dpkg := testtool.Path(t, "dpkg-deb", "apt-get install dpkg")
	tool := exec.Command("go", "tool", "nfpm", "--version")
	tool.Dir = "dist"
	if message, err := tool.CombinedOutput(); err != nil {
		t.Skipf("nfpm cannot be built: %v\n%s", err, message)
	}
	copied := t.TempDir()
	files, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "go.*", "source.go", "cmd/qrun", "runtime", "dist").Output()
	if err != nil {
		t.Skipf("no git checkout: %v", err)
	}
	for _, name := range strings.Fields(string(files)) {
		info, err := os.Stat(name)
		if err != nil {
			continue // deleted
		}
		data, err := os.ReadFile(name)
		if err == nil {
			err = os.MkdirAll(filepath.Join(copied, filepath.Dir(name)), 0o777)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, name), data, info.Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var sums []string
	var out string
	for _, dir := range []string{".", copied} {
		out = t.TempDir()
		cmd := exec.Command("bash", "dist/build", out)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DIST_TARGETS=arm/5", "DIST_HOSTS=", "DIST_VERSION=1.2.3", "SOURCE_DATE_EPOCH=1700000000")
		if message, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, message)
		}
		text, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
	}
	if sums[0] != sums[1] {
		t.Errorf("built here:\n%sfrom a copy:\n%s", sums[0], sums[1])
	}
	check := exec.Command("sha256sum", "-c", "SHA256SUMS")
	check.Dir = out
	if message, err := check.CombinedOutput(); err != nil || bytes.Count(message, []byte("OK")) != 2 {
		t.Errorf("sha256sum: %v\n%s", err, message)
	}
	unpacked := t.TempDir()
	if message, err := exec.Command(dpkg, "-x", filepath.Join(out, "qrun_1.2.3_armel.deb"), unpacked).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	says, err := exec.Command(emulator, filepath.Join(unpacked, "usr/bin/qrun"), "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(says), "qrun 1.2.3 ") {
		t.Errorf("qrun of the package: %v, %s", err, says)
	}
	says, err = exec.Command(emulator, filepath.Join(unpacked, "usr/bin/qrun"), "--selftest", "runtime/testdata/digits.qlut").CombinedOutput()
	if err != nil {
		t.Errorf("qrun of the package: %v, %s", err, says)
	}
	if _, err := os.Stat(filepath.Join(unpacked, "lib/systemd/system/qrun@.service")); err != nil {
		t.Error(err)
	}
}
