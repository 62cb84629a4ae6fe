package quant

import (
	"errors"
	"strings"
)

// joinProblems makes one error of all problems of a configuration, or nil of none.
func joinProblems(where string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return errors.New(where + ": " + strings.Join(problems, "; "))
}
