package dataset

import (
	"slices"
	"strings"
)

// splitNames are the names of folders that hold parts of a data set, not classes.
var splitNames = []string{"train", "training", "test", "testing", "val", "valid", "validation"}

// sameSplit lists names that mean the same part.
var sameSplit = [][]string{
	{"train", "training"}, {"test", "testing"}, {"val", "valid", "validation"},
}

func (n *node) child(name string) *node {
	for _, d := range n.dirs {
		if d.name == name {
			return d
		}
	}
	return nil
}

// split is the folder called name, or by another name for the same part.
func (n *node) split(name string) *node {
	if d := n.child(name); d != nil {
		return d
	}
	for _, group := range sameSplit {
		if !slices.Contains(group, name) {
			continue
		}
		for _, other := range group {
			if d := n.child(other); d != nil {
				return d
			}
		}
	}
	return nil
}

func (n *node) dirNames() []string {
	names := make([]string, len(n.dirs))
	for i, d := range n.dirs {
		names[i] = d.name
	}
	return names
}

// matching appends all files in n and below that are wanted, folder by folder.
func (n *node) matching(wanted func(base string) bool, out []*entry) []*entry {
	for _, f := range n.files {
		if wanted(f.base) {
			out = append(out, f)
		}
	}
	for _, d := range n.dirs {
		out = d.matching(wanted, out)
	}
	return out
}

// hasData says whether pictures, recordings or IDX files lie in n itself.
func (n *node) hasData() bool {
	return slices.ContainsFunc(n.files, func(f *entry) bool { return isPicture(f.base) || isRecording(f.base) || isIDXName(f.base) })
}

// wrapped is the only folder in n if it merely wraps the data, as archives often do.
func (n *node) wrapped(source string) *node {
	if len(n.dirs) != 1 || n.hasData() {
		return nil
	}
	d := n.dirs[0]
	switch {
	case slices.Contains(splitNames, d.name):
		return nil
	case d.name == source, len(d.dirs) > 0 && !d.hasData():
		return d
	case slices.ContainsFunc(d.files, func(f *entry) bool { return isIDXName(f.base) }):
		return d
	}
	return nil
}

// openTree finds the wanted part of a folder or zip and what kind of data it holds.
func (p *opener) openTree(src *source) (*Set, error) {
	n := src.tree
	for {
		if pairs := idxPairs(n); len(pairs) > 0 {
			return p.openIDXPairs(src, pairs)
		}
		if p.part != "" {
			if d := n.find(p.part); d != nil {
				n = d
				break
			}
		}
		w := n.wrapped(src.name)
		if w == nil {
			if p.part == "" {
				break
			}
			if len(n.dirs) == 0 {
				return nil, p.fail("", "has no folder %q to choose with #, there are no folders at all", p.part)
			}
			return nil, p.fail("", "has no folder %q to choose with #, there are: %s", p.part, list(n.dirNames()))
		}
		n = w
	}
	if pairs := idxPairs(n); len(pairs) > 0 && p.part != "" {
		q := *p
		q.part = ""
		return q.openIDXPairs(src, pairs)
	}
	if w := n.wrapped(src.name); w != nil && p.part != "" {
		n = w
	}
	if tars := n.tars(); len(tars) > 0 && src.closer == nil {
		paths := make([]string, len(tars))
		for i, f := range tars {
			paths[i] = src.path(f.path)
		}
		return p.openTar(paths)
	}
	if len(n.matching(isPicture, nil)) == 0 && len(n.matching(isRecording, nil)) > 0 {
		return p.openRecordings(src, n)
	}
	return p.openPictures(src, n)
}

// tars are the tar archives in n, if all its files are archives and there are no folders beside them.
func (n *node) tars() (list []*entry) {
	for _, f := range n.files {
		if isTar(f.base) {
			list = append(list, f)
		}
	}
	if len(n.dirs) > 0 || len(list) < len(n.files) {
		return nil
	}
	return list
}

func isTar(base string) bool { return strings.HasSuffix(strings.ToLower(base), ".tar") }

// find follows a path of folders such as "train" or "faces/train".
func (n *node) find(path string) *node {
	for _, name := range strings.Split(strings.Trim(path, "/"), "/") {
		if n = n.split(name); n == nil {
			return nil
		}
	}
	return n
}

// openPictures makes a set of the pictures in n: of its folders as classes, or of its
// own pictures without labels.
func (p *opener) openPictures(src *source, n *node) (*Set, error) {
	files, labels, classes, err := p.classFiles(n, isPicture, "pictures", pictureKinds)
	if err != nil {
		return nil, err
	}
	return p.newPictures(src.pictures(files), labels, classes)
}

// classFiles are the files in n that are wanted: those of its folders, which are classes, or its own without labels. what and kinds name them in messages.
func (p *opener) classFiles(n *node, wanted func(base string) bool, what, kinds string) (files []*entry, labels []int, classes []string, err error) {
	var own []*entry
	for _, f := range n.files {
		if wanted(f.base) {
			own = append(own, f)
		}
	}
	all := n.matching(wanted, nil)
	switch {
	case len(all) == 0:
		return nil, nil, nil, p.fail("", "no pictures found (%s), nor recordings (%s), nor IDX files", pictureKinds, recordingKinds)
	case len(own) == len(all):
		return own, nil, nil, nil
	case len(own) > 0:
		return nil, nil, nil, p.fail(name(own[0].path), "lies beside folders of %s (%s), want either folders, one per class, or %s alone", what, list(n.dirNames()), what)
	case !slices.ContainsFunc(n.dirs, func(d *node) bool { return !slices.Contains(splitNames, d.name) }):
		names := n.dirNames()
		return nil, nil, nil, p.fail("", "holds the parts %s, choose one, such as %q", list(names), p.spec+"#"+names[0])
	}

	classes = n.dirNames()
	if len(p.o.Classes) > 0 {
		classes = slices.Clone(p.o.Classes)
	}
	for _, d := range n.dirs {
		l := slices.Index(classes, d.name)
		if l < 0 {
			return nil, nil, nil, p.fail(name(d.name), "%w", otherClasses("this class folder is none of the %d classes wanted: %s", len(classes), list(classes)))
		}
		before := len(files)
		files = d.matching(wanted, files)
		if len(files) == before {
			return nil, nil, nil, p.fail(name(d.name), "this class folder holds no %s (%s), add some or remove the folder", what, kinds)
		}
		for range len(files) - before {
			labels = append(labels, l)
		}
	}
	return files, labels, classes, nil
}
