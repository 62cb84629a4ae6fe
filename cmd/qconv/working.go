package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
)

// silence is how long work whose end is not known may go on before something is said of it.
var silence = 2 * time.Second

// working says on standard error that work goes on whose end is not known, once it takes longer than [silence]: a line every few seconds, or on a terminal one that
// is drawn over. The function it returns ends that, and may be called more than once.
func working(c *cli.Context, what string) (done func()) {
	return tell(c.App.ErrWriter, c.Command.Name+": "+what)
}

func tell(w io.Writer, what string) (done func()) {
	start, over := time.Now(), drawsOver(w)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		next := time.NewTimer(silence)
		defer next.Stop()
		said := false
		for {
			select {
			case <-stop:
				if said && over {
					fmt.Fprint(w, "\r\033[K")
				}
				return
			case <-next.C:
				line := fmt.Sprintf("%s, %d s", what, int(time.Since(start).Seconds()))
				if over {
					fmt.Fprint(w, "\r"+line)
					next.Reset(time.Second)
				} else {
					fmt.Fprintln(w, line)
					next.Reset(plainEvery)
				}
				said = true
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-stopped
	})
}
