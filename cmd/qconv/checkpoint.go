package main

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"qconv/finetune"
)

// checkpoint is the file an interrupted fine-tuning goes on from.
type checkpoint struct {
	path string
	key  string // of the run, see runKey
}

// checkpointFile is what it holds.
type checkpointFile struct {
	Key   string
	State finetune.State
}

// runKey identifies a run: two runs with the same key do the same.
func runKey(model string, data *samples, cfg finetune.Config, calibration finetune.CalibrateConfig) (string, error) {
	file, err := os.ReadFile(model)
	if err != nil {
		return "", &inputError{err}
	}
	cfg.Progress, cfg.Checkpoint, cfg.Resume, cfg.Teacher = nil, nil, nil, nil
	h := sha256.New()
	fmt.Fprintf(h, "%x\n%q %d\n%+v\n%+v\n", sha256.Sum256(file), data.set.Spec, data.Len(), cfg, calibration)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// save replaces the file.
func (k checkpoint) save(s *finetune.State) (err error) {
	f, err := os.CreateTemp(filepath.Dir(k.path), "."+filepath.Base(k.path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = gob.NewEncoder(f).Encode(checkpointFile{k.key, *s}); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), k.path)
}

// load reads the file and checks that it is of this run.
func (k checkpoint) load() (*finetune.State, error) {
	f, err := os.Open(k.path)
	if err != nil {
		return nil, inputf("nothing to resume: %w", err)
	}
	defer f.Close()
	var file checkpointFile
	if err := gob.NewDecoder(f).Decode(&file); err != nil {
		return nil, inputf("%s is no checkpoint: %w", k.path, err)
	}
	if file.Key != k.key {
		return nil, inputf("%s was made from another model, other data or other flags", k.path)
	}
	return &file.State, nil
}

// remove deletes the file, if it is there.
func (k checkpoint) remove() { os.Remove(k.path) }
