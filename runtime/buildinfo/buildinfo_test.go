package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestCommit(t *testing.T) {
	const name = "0123456789abcdef0123456789abcdef01234567"
	for want, settings := range map[string][]debug.BuildSetting{
		"":              {{Key: "vcs.modified", Value: "true"}},
		"0123456789ab":  {{Key: "vcs.revision", Value: name}, {Key: "vcs.modified", Value: "false"}},
		"0123456789ab+": {{Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: name}},
	} {
		if got := commit(settings); got != want {
			t.Errorf("commit of %v is %q, want %q", settings, got, want)
		}
	}
}
