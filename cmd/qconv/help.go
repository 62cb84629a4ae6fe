package main

import "github.com/urfave/cli/v2"

var helpCommand = &cli.Command{
	Name:      "help",
	Usage:     "show the commands, or the flags of one",
	ArgsUsage: "[COMMAND]",
	Action: func(c *cli.Context) error {
		switch c.NArg() {
		case 0:
			return cli.ShowAppHelp(c)
		case 1:
			if c.App.Command(c.Args().First()) == nil {
				return usagef("unknown command %q, want one of: %s", c.Args().First(), commandNames(c.App))
			}
			return cli.ShowCommandHelp(c, c.Args().First())
		}
		return usagef("want at most one COMMAND, got %d arguments", c.NArg())
	},
}
