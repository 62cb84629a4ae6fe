package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts the arguments of a command into the order urfave/cli needs, which stops
// reading flags at the first argument that is none: first every flag in the form
// --name=value, then "--", then the other arguments. Because a value is joined to its flag,
// it may begin with a dash (--mean -1,2). A "--" in args ends its flags.
func arrange(flags []cli.Flag, args []string) ([]string, error) {
	known := map[string]cli.Flag{}
	for _, f := range append([]cli.Flag{cli.HelpFlag}, flags...) {
		for _, name := range f.Names() {
			known[name] = f
		}
	}
	var ordered, files []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			files = append(files, args[i+1:]...)
			break
		}
		name, value, joined := flagName(arg)
		if name == "" {
			files = append(files, arg)
			continue
		}
		f := known[name]
		if f == nil {
			return nil, usagef("unknown flag %s%s", strings.SplitN(arg, "=", 2)[0], didYouMean(name, "--", slices.Sorted(maps.Keys(known))))
		}
		canonical := "--" + f.Names()[0]
		switch {
		case joined:
			ordered = append(ordered, canonical+"="+value)
		case !takesValue(f):
			ordered = append(ordered, canonical)
		default:
			if i+1 == len(args) || isKnownFlag(known, args[i+1]) {
				return nil, usagef("flag %s needs a value", arg)
			}
			i++
			ordered = append(ordered, canonical+"="+args[i])
		}
	}
	return append(append(ordered, "--"), files...), nil
}

// flagName splits -name, --name and --name=value; the name is empty for anything that is
// not a flag, such as a file or a lone dash.
func flagName(arg string) (name, value string, joined bool) {
	if len(arg) < 2 || arg[0] != '-' {
		return "", "", false
	}
	name, value, joined = strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	return name, value, joined
}

func isKnownFlag(known map[string]cli.Flag, arg string) bool {
	name, _, _ := flagName(arg)
	return known[name] != nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}
