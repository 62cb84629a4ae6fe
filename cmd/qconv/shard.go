package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/runtime/printable"
)

var shardFlag = &cli.StringFlag{Name: "shard", Category: catRun, Usage: "do only part I of N, `I/N` such as 2/4, and write it as a file that qconv merge joins with the others; auto takes both from the array job of Slurm, Kubernetes, PBS or SGE"}

// maxShards is how many parts there may be.
const maxShards = 1 << 16

// shard is part index, from 0, of count. The zero value is no part but all.
type shard struct{ index, count int }

// given says whether it is a part.
func (s shard) given() bool { return s.count > 0 }

// part is the part of samples.
func (s shard) part() finetune.Part { return finetune.Part{Index: s.index, Count: s.count} }

func (s shard) String() string { return fmt.Sprintf("%d of %d", s.index+1, s.count) }

// fileName is that of the file a part is written to, in its folder.
func (s shard) fileName() string { return fmt.Sprintf("shard-%d-of-%d.json", s.index+1, s.count) }

// readShard reads --shard.
func readShard(c *cli.Context) (shard, error) {
	text := c.String(shardFlag.Name)
	if !c.IsSet(shardFlag.Name) {
		return shard{}, nil
	}
	if text == "auto" {
		return arrayShard(os.LookupEnv)
	}
	first, second, found := strings.Cut(text, "/")
	i, errI := strconv.Atoi(first)
	n, errN := strconv.Atoi(second)
	if !found || errI != nil || errN != nil || n < 1 || n > maxShards || i < 1 || i > n {
		return shard{}, usagef("flag --%s: got %q, want I/N with I from 1 to N and N at most %d, such as 2/4, or auto", shardFlag.Name, text, maxShards)
	}
	return shard{i - 1, n}, nil
}

// shardsVariable is the environment variable with the number of parts, for schedulers that do not tell it.
const shardsVariable = "QCONV_SHARDS"

// arrayJob is how a scheduler tells a task of an array job which one it is. Of the names of variables, all but that of the task may be empty.
type arrayJob struct {
	scheduler   string
	task        string // the variable that is there in array jobs alone
	first       string // the variable with the first task's number
	from        int    // that number where no variable tells it
	step        string
	count, last string // the variable with the number of tasks, or with the last task's number
}

var arrayJobs = []arrayJob{
	{scheduler: "Slurm", task: "SLURM_ARRAY_TASK_ID", first: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP", count: "SLURM_ARRAY_TASK_COUNT"},
	{scheduler: "Kubernetes", task: "JOB_COMPLETION_INDEX", count: shardsVariable},
	{scheduler: "PBS", task: "PBS_ARRAY_INDEX", from: 1, count: shardsVariable},
	{scheduler: "SGE", task: "SGE_TASK_ID", first: "SGE_TASK_FIRST", step: "SGE_TASK_STEPSIZE", last: "SGE_TASK_LAST"},
}

// arrayShard is the part that the scheduler's variables say.
func arrayShard(env func(string) (string, bool)) (shard, error) {
	var found []arrayJob
	var tasks []string
	for _, j := range arrayJobs {
		// SGE says "undefined" where there is no array.
		if v, ok := env(j.task); ok && v != "" && v != "undefined" {
			found, tasks = append(found, j), append(tasks, j.task)
		}
	}
	switch len(found) {
	case 0:
		for _, j := range arrayJobs {
			tasks = append(tasks, j.task)
		}
		return shard{}, usagef("flag --%s auto: no array job: none of the variables %s is set; give I/N", shardFlag.Name, strings.Join(tasks, ", "))
	case 1:
		return found[0].shard(env)
	}
	return shard{}, usagef("flag --%s auto: array jobs of several kinds: the variables %s are set; give I/N", shardFlag.Name, strings.Join(tasks, " and "))
}

func (j arrayJob) shard(env func(string) (string, bool)) (s shard, err error) {
	number := func(variable string, otherwise int) int {
		if variable == "" || err != nil {
			return otherwise
		}
		text, ok := env(variable)
		if !ok && otherwise >= 0 {
			return otherwise
		}
		v, bad := strconv.Atoi(text)
		switch {
		case !ok:
			err = usagef("flag --%s auto: %s is set, so this is an array job of %s, but %s, the number of its tasks, is not; set it, or give I/N", shardFlag.Name, j.task, j.scheduler, variable)
		case bad != nil || v < 0:
			err = usagef("flag --%s auto: the variable %s is %s, want a whole number", shardFlag.Name, variable, printable.Name(text))
		}
		return v
	}
	task, first, step := number(j.task, -1), number(j.first, j.from), number(j.step, 1)
	switch {
	case j.count != "":
		s.count = number(j.count, -1)
	default:
		s.count = (number(j.last, -1)-first)/max(step, 1) + 1
	}
	asked := number(shardsVariable, s.count)
	if err != nil {
		return shard{}, err
	}
	if asked != s.count {
		return shard{}, usagef("flag --%s auto: the array job has %d tasks, %s is %d: a task that is submitted alone again takes I/N, or is requeued in its array", shardFlag.Name, s.count, shardsVariable, asked)
	}
	off := task - first
	s.index = off / max(step, 1)
	if step < 1 || off < 0 || off%step != 0 || s.index >= s.count || s.count > maxShards {
		return shard{}, usagef("flag --%s auto: %s is task %d of %d tasks from %d in steps of %d of %s, which is none of them; number tasks without gaps, or give I/N",
			shardFlag.Name, j.task, task, s.count, first, step, j.scheduler)
	}
	return s, nil
}
