package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"qconv/cmd/qconv/internal/atomicfile"
)

// A first SIGINT, SIGTERM or SIGHUP cancels the command's context, and work that looks at it ends in
// order. What has not ended after grace is left where it stands: all files appear complete or not at all, so nothing
// is lost but work. A second signal does that at once.
const (
	grace = 400 * time.Millisecond
	// lastWords is how long the message may take, whose reader may be as slow as any other, and how
	// long a command that is about to end may take for that.
	lastWords = 100 * time.Millisecond
)

// interrupts waits for signals while a command runs.
type interrupts struct {
	stderr  io.Writer
	command string
	done    chan struct{} // closed when the command has ended

	mu   sync.Mutex
	said bool          // how the command ended
	left func() string // what there is of the work, or nil
}

// interruptsKey is the key of a context's interrupts.
type interruptsKey struct{}

// catchInterrupts returns a context that the first signal cancels; stop ends that.
func catchInterrupts(stderr io.Writer, command string) (ctx context.Context, in *interrupts, stop func()) {
	in = &interrupts{stderr: stderr, command: command, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), interruptsKey{}, in))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup wants
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case <-in.done:
			return
		case <-signals:
			cancel()
		}
		select {
		case <-in.done:
			return
		case <-signals:
		case <-time.After(grace):
		}
		in.exit()
	}()
	return ctx, in, func() {
		close(in.done)
		signal.Stop(signals)
		cancel()
	}
}

// exit ends the process in the middle of the work.
func (in *interrupts) exit() {
	if in.first() {
		atomicfile.Abandon()
		written := make(chan struct{})
		go func() {
			fmt.Fprintf(in.stderr, "qconv %s: interrupted%s\n", in.command, in.state())
			close(written)
		}()
		select {
		case <-written:
		case <-time.After(lastWords):
		}
		os.Exit(exitFailure)
	}
	select {
	case <-in.done: // the command ends by itself
	case <-time.After(lastWords):
		atomicfile.Abandon()
		os.Exit(exitFailure)
	}
}

// first says whether nobody has said yet how the command ended.
func (in *interrupts) first() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	said := in.said
	in.said = true
	return !said
}

// state tells what there is of the work.
func (in *interrupts) state() string {
	in.mu.Lock()
	left := in.left
	in.mu.Unlock()
	if left == nil {
		return ""
	}
	return "; " + left()
}

// whenInterrupted sets what an interruption from here on says of the work, such as what a
// checkpoint holds.
func whenInterrupted(ctx context.Context, left func() string) {
	if in, ok := ctx.Value(interruptsKey{}).(*interrupts); ok {
		in.mu.Lock()
		in.left = left
		in.mu.Unlock()
	}
}
