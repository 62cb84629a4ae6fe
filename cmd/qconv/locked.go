package main

import (
	"io"
	"os"
	"sync"
)

// lockedWriter lets several goroutines write, each call as a whole: notes, and what [working] says meanwhile.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// fileOf is the file that w writes to, also through a lock; nil where it is none.
func fileOf(w io.Writer) *os.File {
	if l, ok := w.(*lockedWriter); ok {
		return fileOf(l.w)
	}
	f, _ := w.(*os.File)
	return f
}
