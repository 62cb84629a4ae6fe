package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

var helpCommand = &cli.Command{
	Name:        "help",
	Usage:       "show the commands, or the flags of one",
	ArgsUsage:   "[COMMAND]",
	Description: example("qconv help finetune"),
	Action: func(c *cli.Context) error {
		switch c.NArg() {
		case 0:
			return cli.ShowAppHelp(c)
		case 1:
			if c.App.Command(c.Args().First()) == nil {
				return unknownCommand(c.App, c.Args().First())
			}
			return cli.ShowCommandHelp(c, c.Args().First())
		}
		return usagef("want at most one COMMAND, got %d arguments", c.NArg())
	},
}

// unknownCommand refuses a name that is no command's.
func unknownCommand(app *cli.App, name string) error {
	names := commandNames(app)
	return usagef("unknown command %q, want one of: %s%s", name, strings.Join(names, ", "), didYouMean(name, "", names))
}

// exampleTitle begins the example in a command's help.
const exampleTitle = "Example:\n   "

// example is the last paragraph of a command's description: a line that one could type.
func example(line string) string { return exampleTitle + line }

// automatic is the text of a flag's default, of which 0 means that qconv decides; empty for any other number.
func automatic(value int) string {
	if value == 0 {
		return "automatic"
	}
	return ""
}

// numbered gives flags copies whose categories are numbered from 1 on without gaps, in the order of their own numbers:
// urfave/cli sorts them by name.
func numbered(flags []cli.Flag) []cli.Flag {
	var categories []string
	for _, f := range flags {
		if c, ok := f.(cli.CategorizableFlag); ok && !slices.Contains(categories, c.GetCategory()) {
			categories = append(categories, c.GetCategory())
		}
	}
	slices.Sort(categories)
	var out []cli.Flag
	for _, f := range flags {
		if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
			_, name, _ := strings.Cut(c.GetCategory(), " ")
			f = inCategory(f, fmt.Sprintf("%d. %s", slices.Index(categories, c.GetCategory())+1, name))
		}
		out = append(out, f)
	}
	return out
}

// inCategory is a copy of a flag in a category: all of urfave/cli's flags are structures with that field.
func inCategory(flag cli.Flag, category string) cli.Flag {
	f := reflect.New(reflect.TypeOf(flag).Elem())
	f.Elem().Set(reflect.ValueOf(flag).Elem())
	f.Elem().FieldByName("Category").SetString(category)
	return f.Interface().(cli.Flag)
}
