package main

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
)

// checkpoint is the file an interrupted fine-tuning goes on from.
type checkpoint struct {
	path string
	key  runKey
}

// checkpointFile is what it holds.
type checkpointFile struct {
	Key   runKey
	State finetune.State
}

// runKey identifies a run: two runs with the same key do the same.
type runKey struct {
	// SHA-256 of the files; those of Teacher and Config may be empty.
	Model, Teacher, Config string
	Samples                int               // trained on
	Flags                  map[string]string // values of keyFlags by name
}

// keyFlags are the flags that training depends on.
var keyFlags = flagList(dataFlags, []cli.Flag{valFlag}, preprocessFlags, quantFlags, trainFlags)

// newRunKey is the key of the run that the command line asks for.
func newRunKey(c *cli.Context, model string, samples int) (runKey, error) {
	k := runKey{Samples: samples, Flags: map[string]string{}}
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
	for _, f := range keyFlags {
		name := f.Names()[0]
		k.Flags[name] = fmt.Sprint(c.Value(name))
	}
	return k, nil
}

func fileHash(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", &inputError{err}
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// difference says how the run of key k differs from the present one, or is empty.
func (k runKey) difference(now runKey) string {
	for _, f := range keyFlags {
		name := f.Names()[0]
		if k.Flags[name] != now.Flags[name] {
			return fmt.Sprintf("--%s %q, now it is %q", name, k.Flags[name], now.Flags[name])
		}
	}
	switch {
	case k.Model != now.Model:
		return "another model"
	case k.Teacher != now.Teacher:
		return "another teacher"
	case k.Config != now.Config:
		return "another configuration of layers"
	case k.Samples != now.Samples:
		return fmt.Sprintf("%d samples, now there are %d", k.Samples, now.Samples)
	}
	return ""
}

// save replaces the file.
func (k checkpoint) save(s *finetune.State) error {
	return replaceFile(k.path, func(w io.Writer) error { return gob.NewEncoder(w).Encode(checkpointFile{k.key, *s}) })
}

// load reads the file and checks that it is of this run.
func (k checkpoint) load() (*finetune.State, error) {
	f, err := os.Open(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputf("nothing to resume: there is no %s; start without --%s", k.path, resumeFlag.Name)
	}
	if err != nil {
		return nil, &inputError{err}
	}
	defer f.Close()
	var file checkpointFile
	if err := gob.NewDecoder(f).Decode(&file); err != nil {
		return nil, inputf("%s is no checkpoint: %w; start without --%s", k.path, err, resumeFlag.Name)
	}
	if d := file.Key.difference(k.key); d != "" {
		return nil, inputf("%s is of a run with %s; give the same again, or start without --%s", k.path, d, resumeFlag.Name)
	}
	return &file.State, nil
}

// setAside renames a file that an earlier run left, so that this one does not replace it, and
// returns its new name; empty where there was none.
func (k checkpoint) setAside() (string, error) {
	old := k.path + ".old"
	err := os.Rename(k.path, old)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", &outputError{err}
	}
	return old, nil
}

// remove deletes the file, if it is there, and what an end in the middle of save left of it.
func (k checkpoint) remove() {
	for _, path := range []string{k.path, temporary(k.path)} {
		os.Remove(path)
	}
}
