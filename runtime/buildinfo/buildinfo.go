// Package buildinfo says what the Go tool recorded in the binary of the program that runs.
package buildinfo

import "runtime/debug"

// commitDigits is how much of a commit's name is told.
const commitDigits = 12

// release is the version of a build that is given away: dist/build sets it.
var release string

// Version is that of a release, or else the version of the main module, or "devel".
func Version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// Commit is the beginning of the name of the commit, with + where files were changed after it; empty where it is not known.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commit(info.Settings)
}

func commit(settings []debug.BuildSetting) string {
	name, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			name = s.Value[:min(len(s.Value), commitDigits)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if name == "" {
		return ""
	}
	return name + changed
}
