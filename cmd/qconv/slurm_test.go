package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qconv/internal/testtool"
)

// slurm is a cluster of one node, this machine, that takes four tasks at a time.
type slurm struct {
	t    *testing.T
	dir  string // of the daemons
	env  []string
	logs []string
}

// startSlurm starts munged, slurmctld and slurmd, with qconv on the path of jobs. They end with the test.
func startSlurm(t *testing.T) *slurm {
	const install = "apt-get install slurm-wlm munge"
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch", "scancel", "scontrol", "sinfo"} {
		testtool.Path(t, name, install)
	}
	s := &slurm{t: t, dir: t.TempDir()}
	at := func(name string) string { return filepath.Join(s.dir, name) }
	for _, name := range []string{"state", "spool", "bin"} {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 128)
	rand.Read(key)
	conf := fmt.Sprintf(`ClusterName=qconv
SlurmctldHost=%[1]s(127.0.0.1)
SlurmUser=%[2]s
SlurmdUser=%[2]s
AuthType=auth/munge
AuthInfo=socket=%[3]s/munge.sock,cred_expire=5
SlurmctldPort=%[4]d
SlurmdPort=%[5]d
StateSaveLocation=%[3]s/state
SlurmdSpoolDir=%[3]s/spool
SlurmctldPidFile=%[3]s/slurmctld.pid
SlurmdPidFile=%[3]s/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`, host, me.Username, s.dir, freePort(t), freePort(t))
	wrapper := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asProgram, os.Args[0])
	for name, f := range map[string]struct {
		text string
		mode os.FileMode
	}{"munge.key": {string(key), 0o600}, "slurm.conf": {conf, 0o644}, "bin/qconv": {wrapper, 0o755}} {
		if err := os.WriteFile(at(name), []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(os.Environ(), "SLURM_CONF="+at("slurm.conf"), "PATH="+at("bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	s.start("munged", "--foreground", "--force", "--socket="+at("munge.sock"), "--key-file="+at("munge.key"), "--pid-file="+at("munged.pid"),
		"--log-file="+at("munged.log"), "--seed-file="+at("munge.seed"))
	waitFor(at("munge.sock"))
	s.start("slurmctld", "-D", "-f", at("slurm.conf"))
	s.start("slurmd", "-D", "-f", at("slurm.conf"))
	s.until("the node is idle", func() bool {
		out, err := s.command("sinfo", "-h", "-o", "%T").Output()
		return err == nil && strings.TrimSpace(string(out)) == "idle"
	})
	return s
}

// freePort is a port that nothing listens on.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// command is one of Slurm's.
func (s *slurm) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = s.env
	return cmd
}

// start starts a daemon.
func (s *slurm) start(name string, args ...string) {
	cmd := s.command(name, args...)
	log, err := os.Create(filepath.Join(s.dir, name+".out"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.logs = append(s.logs, log.Name())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
	})
}

// run runs one of Slurm's commands, which must succeed.
func (s *slurm) run(name string, args ...string) string {
	s.t.Helper()
	out, err := s.command(name, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// submit submits a script of docs/cluster to run in a folder, and returns the job's number.
func (s *slurm) submit(dir, script, flags string, args ...string) string {
	s.t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "docs", "cluster", script))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := s.command("sbatch", append([]string{"--parsable", "--chdir=" + dir, path}, args...)...)
	cmd.Env = append(cmd.Env, "QCONV_SWEEP="+flags)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("sbatch: %v\n%s", err, out)
	}
	job := strings.TrimSpace(string(out))
	s.t.Cleanup(func() { s.command("scancel", job).Run() }) // before the daemons end
	return job
}

// until waits.
func (s *slurm) until(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(90 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			for _, log := range s.logs {
				text, _ := os.ReadFile(log)
				s.t.Logf("%s:\n%s", filepath.Base(log), text[max(0, len(text)-2000):])
			}
			s.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestSlurm runs the scripts of docs/cluster under Slurm: a sweep and an evaluation in four tasks each. One task of the sweep is killed while it works and
// requeued. What merge makes of the parts is, byte for byte, what one command makes.
func TestSlurm(t *testing.T) {
	s := startSlurm(t)
	dir, model := importDigits(t)
	digits := bundled(t, "digits")
	at := func(name string) string { return filepath.Join(dir, name) }
	flags := "--levels 8,32 --weights 2,4,8,16 --codebook integer --calib-samples 100 --samples 400 --steps 24 --batch 16"
	job := s.submit(dir, "sweep.slurm", flags, model, digits, at("sweep"))

	first, killed := at("sweep.parts/A8W8-integer.json"), at("sweep.parts/shard-3-of-4.json") // of task 3
	s.until("task 3 has made its first network", func() bool { return there(first) })
	s.run("scancel", "--signal=KILL", "--full", job+"_3")
	s.until("task 3 is dead", func() bool {
		return !strings.Contains(s.run("scontrol", "show", "job", job+"_3"), "JobState=RUNNING")
	})
	if there(killed) {
		t.Errorf("task 3 was killed after its end")
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	s.run("scontrol", "requeue", job+"_3")

	mustCall(t, "convert", model, "--calib", digits+"#train", "--calib-samples", "50", "--fast", "-o", at("digits.qlut"))
	s.submit(dir, "eval.slurm", "", at("digits.qlut"), model, digits)
	whole := append([]string{"sweep", model, "--data", digits + "#train", "--val", digits + "#test", "-o", at("sweep"), "--json"}, strings.Fields(flags)...)
	want := mustCall(t, whole...)
	files := filesOf(t, at("sweep"))
	if err := os.RemoveAll(at("sweep")); err != nil {
		t.Fatal(err)
	}
	s.until("all parts are there", func() bool {
		for i := range 4 {
			name := shard{i, 4}.fileName()
			if !there(at("sweep.parts/"+name)) || !there(at("eval.parts/"+name)) {
				return false
			}
		}
		return true
	})
	if after, err := os.Stat(first); err != nil || !os.SameFile(before, after) {
		t.Errorf("the requeued task made again what was there (%v)", err)
	}
	if got := mustCall(t, "merge", at("sweep.parts"), "-o", at("sweep"), "--json"); got != want {
		t.Errorf("the merged sweep is\n%s\none in one run\n%s", got, want)
	}
	joined := filesOf(t, at("sweep"))
	if len(joined) != len(files) || len(files) != 2*8+4 {
		t.Errorf("%d files, want %d", len(joined), len(files))
	}
	for name, data := range files {
		if !bytes.Equal(joined[name], data) {
			t.Errorf("%s is other than in one run", name)
		}
	}
	if got, want := mustCall(t, "merge", at("eval.parts"), "--json"), mustCall(t, "eval", at("digits.qlut"), "--against", model, "--data", digits+"#test", "--json"); got != want {
		t.Errorf("the merged evaluation is\n%s\none in one run\n%s", got, want)
	}
}
