// Package cluster checks the manifests of this folder, in a module of its own for what that takes.
package cluster

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

// TestJob reads the manifest strictly by Kubernetes' own types: no field is unknown, there twice or of another type. It wants a Job whose pods know which
// part they are: qconv takes the number of parts from QCONV_SHARDS.
func TestJob(t *testing.T) {
	text, err := os.ReadFile("eval.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job batch.Job
	if err := yaml.UnmarshalStrict(text, &job); err != nil {
		t.Fatal(err)
	}
	spec := job.Spec
	if job.APIVersion != batch.SchemeGroupVersion.String() || job.Kind != "Job" || job.Name == "" {
		t.Errorf("got %s %s %q, want a named Job of %s", job.APIVersion, job.Kind, job.Name, batch.SchemeGroupVersion)
	}
	if spec.CompletionMode == nil || *spec.CompletionMode != batch.IndexedCompletion || spec.Completions == nil || spec.Parallelism == nil || *spec.Parallelism > *spec.Completions {
		t.Fatalf("got %+v, want an indexed Job", spec)
	}
	pod := spec.Template.Spec
	if pod.RestartPolicy != "Never" || len(pod.Containers) != 1 {
		t.Fatalf("got %+v, want one container; failures by index need restartPolicy Never", pod)
	}
	container := pod.Containers[0]
	shards := ""
	for _, v := range container.Env {
		if v.Name == "QCONV_SHARDS" {
			shards = v.Value
		}
	}
	if want := strconv.Itoa(int(*spec.Completions)); shards != want {
		t.Errorf("QCONV_SHARDS is %q, want %s as the completions", shards, want)
	}
	if i := slices.Index(container.Command, "--shard"); i < 0 || container.Command[i+1] != "auto" {
		t.Errorf("the command is %q, want --shard auto", container.Command)
	}
	for _, m := range container.VolumeMounts {
		if pod.Volumes[0].Name != m.Name {
			t.Errorf("the mount %s has no volume", m.Name)
		}
	}

	var other batch.Job
	if err := yaml.UnmarshalStrict(append(text, "  completion: 4\n"...), &other); err == nil || !strings.Contains(err.Error(), "completion") {
		t.Errorf("a field that Jobs do not have: got %v", err)
	}
}
