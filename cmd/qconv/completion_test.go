package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestCompletion asks real shells, those that are there, what they make of the scripts.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := mustCall(t, "completion", shell)
		for _, c := range commands() {
			if !strings.Contains(script, c.Name) {
				t.Errorf("%s: no command %s", shell, c.Name)
			}
			for _, f := range c.Flags {
				if name := f.Names()[0]; !strings.Contains(script, dashed(name)) && !strings.Contains(script, " "+name+" ") {
					t.Errorf("%s: %s has no flag %s", shell, c.Name, name)
				}
			}
		}
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		check := exec.Command(shell, "-n", "/dev/stdin")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s does not read its script: %v\n%s", shell, err, out)
		}
	}
	if code, _, stderr := call("completion", "csh"); code != exitUsage || !strings.Contains(stderr, "want bash, zsh or fish") {
		t.Errorf("csh: exit %d, %q", code, stderr)
	}
	ask := exec.Command("bash", "-c", mustCall(t, "completion", "bash")+`
COMP_WORDS=(qconv finetune --lev) COMP_CWORD=2
_qconv
echo "${COMPREPLY[@]}"
COMP_WORDS=(qconv insp) COMP_CWORD=1
_qconv
echo "${COMPREPLY[@]}"`)
	if out, err := ask.Output(); err == nil && string(out) != "--levels\ninspect\n" {
		t.Errorf("bash completes to %q, want --levels and inspect", out)
	}
}
