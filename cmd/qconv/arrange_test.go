package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestArrange(t *testing.T) {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}},
		&cli.StringFlag{Name: "mean"},
		&cli.IntFlag{Name: "levels"},
		&cli.BoolFlag{Name: "json"},
		&cli.StringSliceFlag{Name: "dim"},
	}
	tests := []struct {
		name string
		args string // separated by spaces
		want string // likewise; or, after "error:", a part of the message
	}{
		{"flags first", "--levels 8 --json a", "--levels=8 --json -- a"},
		{"flags last", "a --json --levels 8", "--json --levels=8 -- a"},
		{"between", "a -o b c", "--output=b -- a c"},
		{"joined", "--levels=8 a -o=b", "--levels=8 --output=b -- a"},
		{"one dash", "-json a", "--json -- a"},
		{"bool with value", "--json=false a", "--json=false -- a"},
		{"negative list", "a --mean -1,2", "--mean=-1,2 -- a"},
		{"value with equals sign", "--dim N=1 --dim C=3", "--dim=N=1 --dim=C=3 --"},
		{"end of flags", "--json -- --levels -x", "--json -- --levels -x"},
		{"lone dash", "-", "-- -"},
		{"help", "a -h", "--help -- a"},
		{"nothing", "", "--"},
		{"unknown", "a --lvels=8", "error:unknown flag --lvels"},
		{"unknown short", "-x", "error:unknown flag -x"},
		{"value missing at the end", "a --levels", "error:--levels needs a value"},
		{"value missing before a flag", "--levels --json a", "error:--levels needs a value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arrange(flags, strings.Fields(tt.args))
			if message, isError := strings.CutPrefix(tt.want, "error:"); isError {
				if err == nil || !strings.Contains(err.Error(), message) || exitCode(err) != exitUsage {
					t.Fatalf("got %q, error %v (exit %d), want a usage error with %q", got, err, exitCode(err), message)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, strings.Fields(tt.want)) {
				t.Fatalf("got %q, error %v, want %q", got, err, tt.want)
			}
		})
	}
}
