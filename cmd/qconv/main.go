// Command qconv turns a pretrained ONNX network into a small integer program:
//
//	qconv import model.onnx             read, check, simplify     -> model.q.onnx
//	qconv finetune model.q.onnx ...     few levels, few weights   -> model.tuned.q.onnx
//	qconv convert model.tuned.q.onnx    integers and tables       -> model.qlut
//
// Results go to standard output, progress and warnings to standard error. Exit codes:
// 0 ok, 1 failure, 2 usage, 3 bad input file, 4 unsupported model, 5 accuracy gate missed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/runtime/printable"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// commands lists every command in the order of the help text. They are templates: an App
// works on copies, because urfave/cli writes to the commands it is given.
func commands() []*cli.Command {
	return []*cli.Command{
		importCommand, finetuneCommand, convertCommand,
		sensitivityCommand, sweepCommand,
		runCommand, evalCommand, mergeCommand, inspectCommand, benchCommand, packCommand, exportCommand(),
		demoCommand(), opsCommand, completionCommand, versionCommand, helpCommand,
	}
}

// run is the whole program: args[0] is the program's name. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &checkedWriter{w: stdout}
	app := newApp(stdin, out, stderr)
	command := ""
	if len(args) > 1 && app.Command(args[1]) != nil {
		command = args[1]
	}
	ctx, in, stop := catchInterrupts(stderr, command)
	defer stop()
	name, err := dispatch(ctx, app, args)
	if err == nil && out.err != nil {
		err = &outputError{out.err}
	}
	if !in.first() {
		select {} // the process is being ended
	}
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	if isInterrupt(err) && !is[*interruptedError](err) {
		err = errors.New("interrupted" + in.state())
	}
	where := strings.TrimSpace("qconv " + name)
	fmt.Fprintf(stderr, "%s: %s\n", where, errorText(err))
	if code == exitUsage {
		fmt.Fprintf(stderr, "See: %s\n", strings.TrimSpace("qconv help "+name))
	}
	return code
}

// dispatch finds the command, puts its arguments in order and runs it. The name it returns
// is that of the command, or empty when none was found.
func dispatch(ctx context.Context, app *cli.App, args []string) (name string, err error) {
	if len(args) < 2 {
		return "", usagef("no command given, want one of: %s", strings.Join(commandNames(app), ", "))
	}
	switch args[1] {
	case "-h", "--help", "-help":
		args = append([]string{args[0], "help"}, args[2:]...)
	case "-v", "--version", "-version":
		args = append([]string{args[0], "version"}, args[2:]...)
	}
	if strings.HasPrefix(args[1], "-") {
		return "", usagef("flag %s stands before the command, want qconv COMMAND %[1]s", printable.Name(args[1]))
	}
	command := app.Command(args[1])
	if command == nil {
		return "", unknownCommand(app, args[1])
	}
	ordered, err := arrange(command.Flags, args[2:])
	if err != nil {
		return command.Name, err
	}
	return command.Name, app.RunContext(ctx, append([]string{args[0], command.Name}, ordered...))
}

// newApp makes an App of its own for one run.
func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:                      "qconv",
		Usage:                     "turn a pretrained ONNX network into additions and table look-ups",
		UsageText:                 "qconv COMMAND [FLAGS] [FILE]",
		Reader:                    stdin,
		Writer:                    stdout,
		ErrWriter:                 &lockedWriter{w: stderr},
		HideHelpCommand:           true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
	}
	for _, template := range commands() {
		c := *template
		c.HideHelpCommand = true
		c.Flags = numbered(append(c.Flags[:len(c.Flags):len(c.Flags)], quietFlag))
		c.Before = quiet
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usagef("%v", err) }
		app.Commands = append(app.Commands, &c)
	}
	return app
}

func commandNames(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return names
}
