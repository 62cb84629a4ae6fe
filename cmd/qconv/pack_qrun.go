package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/runtime/bundle"
	"qconv/runtime/printable"
)

// qrunPackage is what qrun is built from.
const qrunPackage = "qconv/cmd/qrun"

// elfSystems are those of Go's operating systems whose executables are in ELF format.
var elfSystems = []string{"linux", "android", "dragonfly", "freebsd", "illumos", "netbsd", "openbsd", "solaris"}

// machines are the numbers of ELF of what Go builds for, and whether the lowest byte comes first.
var machines = map[string]struct {
	machine elf.Machine
	class   elf.Class
	order   elf.Data
}{
	"386":      {elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"amd64":    {elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"arm":      {elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"arm64":    {elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"loong64":  {elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"mips":     {elf.EM_MIPS, elf.ELFCLASS32, elf.ELFDATA2MSB},
	"mips64":   {elf.EM_MIPS, elf.ELFCLASS64, elf.ELFDATA2MSB},
	"mips64le": {elf.EM_MIPS, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"mipsle":   {elf.EM_MIPS, elf.ELFCLASS32, elf.ELFDATA2LSB},
	"ppc64":    {elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2MSB},
	"ppc64le":  {elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"riscv64":  {elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB},
	"s390x":    {elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB},
}

// targetParts splits the name of a target, which is known: linux, arm, 5. The level may be empty.
func targetParts(target string) (system, architecture, level string) {
	parts := append(strings.Split(target, "/"), "")
	return parts[0], parts[1], parts[2]
}

// qrunName is how make dist calls the qrun of a target: qrun-linux-armv5, qrun-linux-arm64.
func qrunName(target string) string {
	system, architecture, level := targetParts(target)
	if level != "" {
		level = "v" + strings.TrimPrefix(level, "v")
	}
	return "qrun-" + system + "-" + architecture + level
}

// findQrun is the executable that r asks for, and notes where it comes from: the file that was named, one beside qconv, or one that
// is built.
func (r *packReport) findQrun(c *cli.Context) ([]byte, error) {
	if system, _, _ := targetParts(r.Target); !slices.Contains(elfSystems, system) {
		return nil, usagef("flag --%s: executables of %s are not in ELF format, want one of %s", packTargetFlag.Name, printable.Name(system), strings.Join(elfSystems, ", "))
	}
	if r.Qrun != "" {
		if err := checkInput(r.Qrun, "a qrun"); err != nil {
			return nil, err
		}
		return readQrun(r.Qrun, r.Target)
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), qrunName(r.Target))
		if _, err := os.Stat(beside); err == nil {
			r.Qrun = beside
			note(c, "qrun is %s, the one beside qconv", printable.Name(beside))
			return readQrun(beside, r.Target)
		}
	}
	note(c, "qrun for %s is built from the source", r.Target)
	r.Built = true
	return buildQrun(c.Context, r.Target, sourceFolders())
}

// buildQrun builds qrun as make dist does, from the source that one of some folders is in.
func buildQrun(ctx context.Context, target string, folders []string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "qconv-pack-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "qrun")
	if err := buildFor(ctx, target, qrunPackage, folders, out); err != nil {
		if is[*noSourceError](err) {
			err = fmt.Errorf("there is no qrun for %s, and %w: want --%s FILE, a file %s beside qconv, or Go and the source of qconv in this folder",
				target, err, qrunFlag.Name, qrunName(target))
		}
		return nil, err
	}
	return readQrun(out, target)
}

// noSourceError says why nothing can be built here.
type noSourceError struct{ lack string }

func (e *noSourceError) Error() string { return e.lack }

// buildFor builds a program of this module for a target, from the source that one of some folders is in. The error is a
// [*noSourceError] where there is no Go or no source.
func buildFor(ctx context.Context, target, program string, folders []string, out string) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return &noSourceError{"no Go to build it"}
	}
	source := ""
	for _, dir := range folders {
		list := exec.CommandContext(ctx, tool, "list", "-f", "{{.Dir}}", program)
		list.Dir = dir
		if text, err := list.Output(); err == nil {
			source = strings.TrimSuffix(string(text), "\n")
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if source == "" {
		return &noSourceError{"no source to build it from"}
	}
	system, architecture, level := targetParts(target)
	build := exec.CommandContext(ctx, tool, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, ".")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+architecture, "GOMIPS=softfloat", "GOMIPS64=softfloat", "GOFLAGS=")
	if level != "" {
		build.Env = append(build.Env, "GO"+strings.ToUpper(architecture)+"="+level)
	}
	if message, err := build.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("building %s for %s: %w: %s", program, target, err, bytes.TrimSpace(message))
	}
	return nil
}

// sourceFolders are those where the source of this module may be: this one, and that of the executable.
func sourceFolders() []string {
	folders := []string{"."}
	if self, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(self))
	}
	return folders
}

// readQrun reads an executable, which must be a qrun for the target that nothing is joined to yet.
func readQrun(path, target string) ([]byte, error) {
	wrong := func(format string, args ...any) error {
		return inputf("%s %s", printable.Name(path), fmt.Sprintf(format, args...))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &inputError{err}
	}
	r := bytes.NewReader(data)
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, wrong("is no executable in ELF format (%v), want a qrun built for %s", err, target)
	}
	system, architecture, level := targetParts(target)
	want := machines[architecture]
	if f.Machine != want.machine || f.Class != want.class || f.Data != want.order {
		return nil, wrong("is for %v, %v, %v, want one for %s: %v, %v, %v", f.Machine, f.Class, f.Data, target, want.machine, want.class, want.order)
	}
	if f.Section(".interp") != nil {
		return nil, wrong("is not static, want it built with CGO_ENABLED=0")
	}
	end, err := bundle.End(r, r.Size())
	if err != nil {
		return nil, wrong("is damaged: %v", err)
	}
	if end < r.Size() {
		return nil, wrong("has %d bytes behind it, want a qrun that carries no model yet", r.Size()-end)
	}
	if err := checkBuild(r, system, level, architecture); err != nil {
		return nil, wrong("%v", err)
	}
	if !bundle.Carries(data) {
		return nil, wrong("is a qrun that looks for no model behind itself, want one of this version: %s", buildVersion())
	}
	return data, nil
}

// checkBuild holds what Go noted in an executable against what is wanted.
func checkBuild(r *bytes.Reader, system, level, architecture string) error {
	info, err := buildinfo.Read(r)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return fmt.Errorf("was not built by Go (%v), want a qrun", err)
	}
	if info.Path != qrunPackage {
		return fmt.Errorf("is %s, want %s", printable.Name(info.Path), qrunPackage)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if got := settings["GOOS"]; got != system {
		return fmt.Errorf("is for %s, want %s", printable.Name(got), system)
	}
	// A processor runs what was built for an earlier one.
	got, _, _ := strings.Cut(settings["GO"+strings.ToUpper(architecture)], ",")
	if level != "" && got > level {
		return fmt.Errorf("is for level %s of %s, want at most %s", printable.Name(got), architecture, level)
	}
	return nil
}
