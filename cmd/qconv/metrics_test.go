package main

import (
	"testing"

	"qconv/finetune"
)

// TestMetricsOf demands that only what has a meaning is shown.
func TestMetricsOf(t *testing.T) {
	classes := finetune.Metrics{Samples: 4, Labelled: 4, Accuracy: 0.5, Top5: 0.75, Agreement: 0.25, Distance: 3}
	m := metricsOf(classes, true, 6, finetune.TaskClasses)
	if m.Samples != 4 || *m.Accuracy != 0.5 || *m.Top5 != 0.75 || *m.Agreement != 0.25 || m.MSE != nil || m.Difference != nil {
		t.Errorf("classes: got %+v", m)
	}
	if m := metricsOf(classes, false, 5, finetune.TaskClasses); m.Top5 != nil || m.Agreement != nil {
		t.Errorf("five classes, not compared: got %+v", m)
	}
	values := finetune.Metrics{Samples: 1, HasMSE: true, MSE: 2, Distance: 3, Agreement: 1}
	if m := metricsOf(values, true, 9, finetune.TaskValues); *m.MSE != 2 || *m.Difference != 3 || m.Accuracy != nil || m.Agreement != nil {
		t.Errorf("values: got %+v", m)
	}
	if m := metricsOf(values, false, 9, finetune.TaskValues); m.Difference != nil {
		t.Errorf("values, not compared: got %+v", m)
	}
}
