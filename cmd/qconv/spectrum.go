package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/runtime/printable"
)

var spectrumFlag = &cli.StringFlag{Name: "spectrum", Category: catTraining, Usage: "tune for more levels and weights first, each network from the one before: `LIST` of LEVELS/WEIGHTS such as 8/16,4/8, down to --levels and --weights; every stop is kept beside the output"}

// stop is one network of --spectrum on the way to the last.
type stop struct{ levels, weights int }

// readSpectrum reads a list such as 8/16,4/8; empty where none is given.
func readSpectrum(c *cli.Context) ([]stop, error) {
	if !c.IsSet(spectrumFlag.Name) {
		return nil, nil
	}
	var stops []stop
	for _, item := range strings.Split(c.String(spectrumFlag.Name), ",") {
		a, w, ok := strings.Cut(strings.TrimSpace(item), "/")
		levels, err := strconv.Atoi(a)
		weights, err2 := strconv.Atoi(w)
		if !ok || err != nil || err2 != nil {
			return nil, usagef("flag --%s: got %q, want a list of LEVELS/WEIGHTS such as 8/16,4/8", spectrumFlag.Name, item)
		}
		stops = append(stops, stop{levels, weights})
	}
	return stops, nil
}

// named puts the stop's numbers into a file's name, before its extensions: net.q.onnx becomes net.A8W16.q.onnx.
func (s stop) named(path string) string {
	if path == "" {
		return ""
	}
	tag := ".A" + strconv.Itoa(s.levels) + "W" + strconv.Itoa(s.weights)
	folder, name := filepath.Split(path)
	extension := filepath.Ext(name)
	for _, long := range []string{".tuned.q.onnx", ".q.onnx"} {
		if strings.HasSuffix(name, long) {
			extension = long
			break
		}
	}
	return folder + strings.TrimSuffix(name, extension) + tag + extension
}

// walkDown tunes a model for every stop of --spectrum in turn, and returns the file of the last; the model's
// own where there is no stop. What single stops write is named after them. With --resume, stops that are finished are not done again.
func walkDown(c *cli.Context, path string) (string, error) {
	stops, err := readSpectrum(c)
	if err != nil || len(stops) == 0 {
		return path, err
	}
	last := map[string]string{}
	for _, f := range []string{levelsFlag.Name, weightsFlag.Name, outFlag.Name, logFlag.Name, plotFlag.Name} {
		last[f] = c.String(f)
	}
	last[levelsFlag.Name], last[weightsFlag.Name] = strconv.Itoa(c.Int(levelsFlag.Name)), strconv.Itoa(c.Int(weightsFlag.Name))
	if last[outFlag.Name] == "" {
		last[outFlag.Name] = outputName(path, ".tuned.q.onnx")
	}
	set := func(values map[string]string) error {
		for name, v := range values {
			if err := c.Set(name, v); err != nil {
				return usagef("flag --%s: %v", name, err)
			}
		}
		return nil
	}
	if c.String(teacherFlag.Name) == "" {
		if err := set(map[string]string{teacherFlag.Name: path}); err != nil {
			return "", err
		}
	}
	resume := c.Bool(resumeFlag.Name)
	for _, s := range stops {
		output := s.named(last[outFlag.Name])
		values := map[string]string{
			levelsFlag.Name: strconv.Itoa(s.levels), weightsFlag.Name: strconv.Itoa(s.weights), outFlag.Name: output,
			logFlag.Name: s.named(last[logFlag.Name]), plotFlag.Name: s.named(last[plotFlag.Name]),
		}
		if err := set(values); err != nil {
			return "", err
		}
		_, noResult := os.Stat(output)
		_, noCheckpoint := os.Stat(output + ".checkpoint")
		switch {
		case resume && noResult == nil && noCheckpoint != nil:
			note(c, "%s is there already", printable.Name(output))
		default:
			if err := set(map[string]string{resumeFlag.Name: strconv.FormatBool(resume && noCheckpoint == nil)}); err != nil {
				return "", err
			}
			note(c, "stop of %d levels and %d weights:", s.levels, s.weights)
			if err := tuneOnce(c, path, false); err != nil {
				return "", err
			}
		}
		path = output
	}
	_, noCheckpoint := os.Stat(last[outFlag.Name] + ".checkpoint")
	last[resumeFlag.Name] = strconv.FormatBool(resume && noCheckpoint == nil)
	return path, set(last)
}
