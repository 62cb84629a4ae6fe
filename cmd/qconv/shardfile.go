package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/runtime/printable"
)

// Kinds of files of parts.
const (
	evalKind  = "eval"
	sweepKind = "sweep"
)

// partHead begins the file of a part. What differs between files of one whole is only Shard.
type partHead struct {
	Kind   string `json:"part_of"` // evalKind or sweepKind
	Shard  int    `json:"shard"`   // from 1
	Shards int    `json:"shards"`
	// Key is the digest of Made, which says by which flags and from what files the part was made.
	Key      string `json:"key"`
	Made     runKey `json:"made"`
	Producer string `json:"producer"`
	Model    string `json:"model"` // its path
	Data     string `json:"data"`

	path string // of the file
}

// newPartHead is the head of a part that the present command makes.
func newPartHead(kind string, s shard, made runKey, model, data string) partHead {
	return partHead{Kind: kind, Shard: s.index + 1, Shards: s.count, Key: made.digest(), Made: made, Producer: producer(), Model: model, Data: data}
}

func (h *partHead) shard() shard     { return shard{h.Shard - 1, h.Shards} }
func (h *partHead) setPath(p string) { h.path = p }

// shardPart is the content of a file of a part.
type shardPart interface {
	setPath(string)
	// valid says whether all is there that others count on.
	valid() bool
}

// encodePart is the file of a part.
func encodePart(p shardPart) ([]byte, error) {
	text, err := json.Marshal(p)
	return append(printable.JSON(text), '\n'), err
}

// maxPartBytes bounds the file of a part.
const maxPartBytes = 1 << 30

// readPart reads the file of a part into p.
func readPart(path string, p shardPart) error {
	text, err := partText(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil || !p.valid() {
		return notPart(path)
	}
	p.setPath(path)
	return nil
}

func partText(path string) ([]byte, error) {
	if err := checkInput(path, "a part of --shard"); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &inputError{err}
	case !info.Mode().IsRegular() || info.Size() > maxPartBytes:
		return nil, notPart(path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &inputError{err}
	}
	return text, nil
}

func notPart(path string) error {
	return inputf("%s is no part that --%s writes, or is damaged: make it again", printable.Name(path), shardFlag.Name)
}

// readPartHead reads what every file of a part has.
func readPartHead(path string) (*partHead, error) {
	text, err := partText(path)
	if err != nil {
		return nil, err
	}
	h := &partHead{path: path}
	if err := json.Unmarshal(text, h); err != nil || !h.valid() {
		return nil, notPart(path)
	}
	return h, nil
}

func (h *partHead) valid() bool {
	return (h.Kind == evalKind || h.Kind == sweepKind) && h.Key == h.Made.digest() && h.Shards >= 1 && h.Shards <= maxShards && h.Shard >= 1 && h.Shard <= h.Shards
}

// claimPart takes hold of the file of a part in a folder, which is made. done says that the part is there already.
func claimPart(c *cli.Context, dir string, head partHead) (file *atomicfile.File, done bool, err error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, false, usagef("%s is no folder, want one for the parts", printable.Name(dir))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, false, &outputError{err}
	}
	path := filepath.Join(dir, head.shard().fileName())
	if file, err = claim(c, path, head.Model); err != nil {
		return nil, false, err
	}
	old, err := readPartHead(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file, false, nil
	case err == nil:
		if err = unlikeParts(old, &head, "the present command"); err == nil {
			return file, true, nil
		}
	}
	file.Release()
	return nil, false, err
}

// unlikeParts says in what two parts differ that should be of one whole. name is that of the second.
func unlikeParts(a, b *partHead, name string) error {
	first := printable.Name(a.path)
	switch {
	case a.Kind != b.Kind:
		return inputf("%s is part of a run of qconv %s, %s of qconv %s", first, a.Kind, name, b.Kind)
	case a.Key != b.Key:
		what, own, other := a.Made.unlike(b.Made)
		if own == "" {
			return inputf("%s is of %s than %s; parts of one whole have the same", first, what, name)
		}
		return inputf("%s is with %s %s, %s with %s; parts of one whole have the same", first, what, own, name, other)
	case a.Shards != b.Shards:
		return inputf("%s is one of %d parts, %s one of %d", first, a.Shards, name, b.Shards)
	case a.Producer != b.Producer:
		return inputf("%s is by %s, %s by %s: what they compute may differ", first, a.Producer, name, b.Producer)
	}
	return nil
}

var partName = regexp.MustCompile(`^shard-[0-9]+-of-[0-9]+\.json$`)

// findParts are the heads of all parts in the files and folders given, in their order, which must be all parts of one whole.
func findParts(places []string) ([]*partHead, error) {
	var paths []string
	for _, place := range places {
		info, err := os.Stat(place)
		if err != nil || !info.IsDir() {
			paths = append(paths, place)
			continue
		}
		list, err := os.ReadDir(place)
		if err != nil {
			return nil, &inputError{err}
		}
		before := len(paths)
		for _, e := range list {
			if partName.MatchString(e.Name()) {
				paths = append(paths, filepath.Join(place, e.Name()))
			}
		}
		if len(paths) == before {
			return nil, inputf("%s holds no parts, want files shard-I-of-N.json as --%s writes them", printable.Name(place), shardFlag.Name)
		}
	}
	var parts []*partHead
	for _, path := range paths {
		h, err := readPartHead(path)
		if err != nil {
			return nil, err
		}
		parts = append(parts, h)
	}
	for _, h := range parts[1:] {
		if err := unlikeParts(parts[0], h, printable.Name(h.path)); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(parts, func(a, b *partHead) int { return a.Shard - b.Shard })
	for i, h := range parts[1:] {
		if h.Shard == parts[i].Shard {
			return nil, inputf("%s and %s are both shard %s, want each once", printable.Name(parts[i].path), printable.Name(h.path), h.shard())
		}
	}
	if missing := missingParts(parts); len(missing) > 0 {
		return nil, inputf("of %d shards there are %d; missing beside %s: %s", parts[0].Shards, len(parts), printable.Name(parts[0].path), strings.Join(missing, ", "))
	}
	return parts, nil
}

// namedMissing is how many missing parts are named.
const namedMissing = 8

// missingParts are the files of parts that are not there.
func missingParts(parts []*partHead) (names []string) {
	there := map[int]bool{}
	for _, h := range parts {
		there[h.Shard] = true
	}
	for i := range parts[0].Shards {
		if there[i+1] {
			continue
		}
		if len(names) == namedMissing {
			return append(names, "and more")
		}
		names = append(names, shard{i, parts[0].Shards}.fileName())
	}
	return names
}

// setFlags are the values of those of a command's flags that are given.
func setFlags(c *cli.Context, flags []cli.Flag) map[string]string {
	given := map[string]string{}
	for _, f := range flags {
		if name := f.Names()[0]; c.IsSet(name) {
			given[name] = fmt.Sprint(c.Value(name))
		}
	}
	return given
}

// withFlags is a context in which a command has the flags that are given, and no others.
func withFlags(c *cli.Context, command *cli.Command, given map[string]string) (*cli.Context, error) {
	set := flag.NewFlagSet(command.Name, flag.ContinueOnError)
	for _, f := range command.Flags {
		if err := f.Apply(set); err != nil {
			return nil, err
		}
	}
	for name, value := range given {
		if err := set.Set(name, value); err != nil {
			return nil, err
		}
	}
	return cli.NewContext(c.App, set, c), nil
}
