package atomicfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// A lock is a file beside the output that its holder has locked with flock(2). That ends with the
// process, however it ends, so there are no stale locks, only lock files that nobody has locked. The holder removes
// the file before it lets go of the lock; whoever opened it before that gets the lock of a file without a
// name, sees that the name is gone or another file's, and begins anew. So at any time at most
// one process holds the lock of the file that has the name.

// HeldError says that another process has claimed an output.
type HeldError struct {
	Path string
	holder
}

// holder is what a lock file tells of the process that has it. All is zero in the moment before it is
// written.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func (e *HeldError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
		if host, _ := os.Hostname(); e.Host != host {
			who += fmt.Sprintf(" on %q", e.Host)
		}
		who += fmt.Sprintf(" (%q) since %s", e.Command, e.Since.Local().Format(time.DateTime))
	}
	return fmt.Sprintf("%s is being written by %s; wait until it ends, or give another file", e.Path, who)
}

// lockPath is that of the lock file of an output.
func lockPath(path string) string { return beside(path) + "lock" }

// errNoLocks says that the file system knows no locks.
var errNoLocks = errors.New("no locks")

// lock takes the lock of an output; nil where the file system knows none.
func lock(path string) (*os.File, error) {
	name := lockPath(path)
	for range 1000 {
		f, err := openLock(name)
		if err != nil {
			return nil, of(path, err)
		}
		if err := checkLock(f, name); err != nil {
			f.Close()
			return nil, err
		}
		switch taken, err := tryLock(f); {
		case errors.Is(err, errNoLocks):
			f.Close()
			os.Remove(name)
			return nil, nil
		case err != nil:
			f.Close()
			return nil, of(path, err)
		case !taken:
			e := &HeldError{path, readHolder(f)}
			f.Close()
			return nil, e
		}
		if register(f, name) {
			writeHolder(f)
			return f, nil
		}
		f.Close()
	}
	return nil, fmt.Errorf("%s: its lock %s changes hands all the time", path, name)
}

// openLock opens the lock file, which is made where there is none. One that belongs to somebody else
// may only be readable: that is enough to lock it.
func openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|openFlags, 0o644)
	if errors.Is(err, fs.ErrPermission) {
		if g, err := os.OpenFile(name, os.O_RDONLY|openFlags, 0); err == nil {
			return g, nil
		}
	}
	if info, statErr := os.Lstat(name); err != nil && statErr == nil && !info.Mode().IsRegular() {
		return nil, foreign(name)
	}
	return f, err
}

// checkLock refuses what is no lock file of ours: it could be another file by a second name.
func checkLock(f *os.File, name string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || links(info) > 1 {
		return foreign(name)
	}
	return nil
}

func foreign(name string) error {
	return fmt.Errorf("%s is no lock file but a link or something else; remove it", name)
}

// register notes the lock file as one to be removed, if it still has its name.
func register(f *os.File, name string) bool {
	made.Lock()
	defer made.Unlock()
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	if there, err := os.Lstat(name); err != nil || !os.SameFile(mine, there) {
		return false
	}
	made.paths[name] = true
	return true
}

// unlock removes the lock file and lets go of the lock, in this order.
func unlock(f *os.File) {
	discard(f.Name())
	f.Close()
}

// longestCommand is how much of a command line a lock file tells, in bytes.
const longestCommand = 200

// writeHolder tells others who we are. What cannot be written is not told.
func writeHolder(f *os.File) {
	host, _ := os.Hostname()
	h := holder{PID: os.Getpid(), Host: host, Command: strings.Join(os.Args, " "), Since: time.Now()}
	if len(h.Command) > longestCommand {
		h.Command = h.Command[:longestCommand] + "..."
	}
	if text, err := json.Marshal(h); err == nil && f.Truncate(0) == nil {
		f.WriteAt(text, 0)
	}
}

// readHolder reads what the holder wrote, as far as it did.
func readHolder(f *os.File) (h holder) {
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return holder{}
	}
	return h
}
