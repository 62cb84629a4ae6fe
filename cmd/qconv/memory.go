package main

import (
	"github.com/urfave/cli/v2"

	"qconv/runtime/bytesize"
)

var maxMemoryFlag = &cli.StringFlag{Name: "max-memory", Category: catResult, DefaultText: "by the file's size, at most 4GB",
	Usage: "memory that a model, a program or data may take to be read and run, `BYTES` such as 500MB, 4GB or 1GiB",
	Action: func(_ *cli.Context, text string) error {
		if _, err := bytesize.Parse(text); err != nil {
			return usagef("flag --max-memory: %v", err)
		}
		return nil
	},
}

// maxMemory is what --max-memory says, in bytes; 0 where it is not given.
func maxMemory(c *cli.Context) int64 {
	n, err := bytesize.Parse(c.String(maxMemoryFlag.Name))
	if err != nil {
		return 0 // not given: the flag's action refuses anything else
	}
	return n
}
