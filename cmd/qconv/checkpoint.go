package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
)

// checkpoint is the file an interrupted fine-tuning goes on from.
type checkpoint struct {
	file   *atomicfile.File
	key    runKey
	longer bool         // the run goes on for more steps than those that the file was of
	step   atomic.Int64 // of the state that the file holds; 0 where there is none of this run
}

// runKey identifies a run: two runs with the same key do the same.
type runKey struct {
	// SHA-256 of the files; those of Teacher and Config may be empty.
	Model, Teacher, Config string
	Samples                int               // trained on
	Flags                  map[string]string // values of keyFlags by name
}

// keyFlags are the flags that training depends on.
var keyFlags = flagList(dataFlags, []cli.Flag{valFlag}, preprocessFlags, quantFlags, budgetFlags, trainFlags)

// newRunKey is the key of the run that the command line asks for.
func newRunKey(c *cli.Context, model string, samples int) (runKey, error) {
	k, err := keyOf(c, model, keyFlags)
	k.Samples = samples
	return k, err
}

// keyOf is a key by the given flags, as far as the command has them.
func keyOf(c *cli.Context, model string, flags []cli.Flag) (runKey, error) {
	k := runKey{Flags: map[string]string{}}
	var err error
	if k.Model, err = fileHash(model); err != nil {
		return k, err
	}
	for flag, hash := range map[*cli.StringFlag]*string{teacherFlag: &k.Teacher, configFlag: &k.Config} {
		if path := c.String(flag.Name); path != "" {
			if *hash, err = fileHash(path); err != nil {
				return k, err
			}
		}
	}
	for _, f := range flags {
		name := f.Names()[0]
		k.Flags[name] = fmt.Sprint(c.Value(name))
		if list, ok := c.Value(name).(cli.StringSlice); ok { // which prints as an address
			k.Flags[name] = fmt.Sprint(list.Value())
		}
	}
	return k, nil
}

// digest is the SHA-256 of a key.
func (k runKey) digest() string {
	text, err := json.Marshal(k)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func fileHash(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", &inputError{err}
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// extends says whether the present run is that of key k but for its length, and longer.
func (k runKey) extends(now runKey) bool {
	longer := false
	for _, f := range []cli.Flag{stepsFlag, epochsFlag} {
		name := f.Names()[0]
		before, _ := strconv.ParseFloat(k.Flags[name], 64)
		after, _ := strconv.ParseFloat(now.Flags[name], 64)
		if after < before || before == 0 && after > 0 {
			return false
		}
		longer = longer || after > before
	}
	return longer
}

// difference says how the run of key k differs from the present one, or is empty. The present one may be longer.
func (k runKey) difference(now runKey) string {
	var but []string
	if k.extends(now) {
		but = []string{stepsFlag.Name, epochsFlag.Name}
	}
	what, before, after := k.unlike(now, but...)
	if before == "" {
		return what
	}
	return fmt.Sprintf("%s %s, now it is %s", what, before, after)
}

// unlike says in what key k differs from another one, but for some flags, and what each has, which is empty where that says nothing. All are empty for equal keys.
func (k runKey) unlike(other runKey, but ...string) (what, own, others string) {
	for _, name := range slices.Sorted(maps.Keys(other.Flags)) {
		if k.Flags[name] != other.Flags[name] && !slices.Contains(but, name) {
			return "--" + name, fmt.Sprintf("%q", k.Flags[name]), fmt.Sprintf("%q", other.Flags[name])
		}
	}
	switch {
	case k.Model != other.Model:
		return "another model", "", ""
	case k.Teacher != other.Teacher:
		return "another teacher", "", ""
	case k.Config != other.Config:
		return "another configuration of layers", "", ""
	case k.Samples != other.Samples:
		return "samples", fmt.Sprint(k.Samples), fmt.Sprint(other.Samples)
	}
	return "", "", ""
}

// save replaces the file.
func (k *checkpoint) save(s *finetune.State) error {
	if err := k.file.Replace((&checkpointFile{k.key, *s}).encode); err != nil {
		return err
	}
	k.step.Store(int64(s.Step))
	return nil
}

// left tells an interrupted run what it can go on from.
func (k *checkpoint) left() string {
	step := k.step.Load()
	if step == 0 {
		return "no step is saved yet"
	}
	return fmt.Sprintf("%s holds the state after step %d, the same command with --%s goes on from there", k.file.Path(), step, resumeFlag.Name)
}

// load reads the file and checks that it is of this run.
func (k *checkpoint) load() (*finetune.State, error) {
	path := k.file.Path()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputf("nothing to resume: there is no %s; start without --%s", path, resumeFlag.Name)
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, inputf("%s is no file; start without --%s", path, resumeFlag.Name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &inputError{err}
	}
	defer f.Close()
	var file checkpointFile
	if err := file.decode(f, info.Size()); err != nil {
		return nil, inputf("%s is no checkpoint to go on from: %w; start without --%s", path, err, resumeFlag.Name)
	}
	if d := file.Key.difference(k.key); d != "" {
		return nil, inputf("%s is of a run with %s; give the same again, or start without --%s", path, d, resumeFlag.Name)
	}
	k.longer = file.Key.extends(k.key)
	k.step.Store(int64(file.State.Step))
	return &file.State, nil
}

// setAside renames a file that an earlier run left, so that this one does not replace it, and
// returns its new name; empty where there was none.
func (k *checkpoint) setAside() (string, error) {
	old := k.file.Path() + ".old"
	err := os.Rename(k.file.Path(), old)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", &outputError{err}
	}
	return old, nil
}

// remove deletes the file, if it is there, and ends the claim of it.
func (k *checkpoint) remove() {
	os.Remove(k.file.Path())
	k.file.Release()
}
