package quant

// Moments are second moments of the inputs x of a linear map and of the outputs y that it should have, means over the same
// positions, after the mean of each has been taken off: that is the bias's part.
type Moments struct {
	Inputs, Outputs int
	Gram            []float64 // [Inputs][Inputs]: of x x^T
	Cross           []float64 // [Outputs][Inputs]: of y x^T
	Power           []float64 // [Outputs]: of y^2
}

// NewMoments are those of nothing yet.
func NewMoments(inputs, outputs int) *Moments {
	return &Moments{
		Inputs: inputs, Outputs: outputs,
		Gram: make([]float64, inputs*inputs), Cross: make([]float64, outputs*inputs), Power: make([]float64, outputs),
	}
}

// Error is the mean squared error of the map with weights w [Outputs][Inputs] and the best bias, summed over outputs:
//
//	sum over o of  w_o Gram w_o^T - 2 w_o Cross_o^T + Power_o
func (m *Moments) Error(w []float32) float64 {
	errors := make([]float64, m.Outputs)
	parallel(m.Outputs, func(o int) {
		row := make([]float64, m.Inputs)
		for i := range row {
			row[i] = float64(w[o*m.Inputs+i])
		}
		sum := m.Power[o] - 2*dot(row, m.Cross[o*m.Inputs:][:m.Inputs])
		for i, v := range row {
			if v != 0 {
				sum += v * dot(row, m.Gram[i*m.Inputs:][:m.Inputs])
			}
		}
		errors[o] = sum
	})
	total := 0.0
	for _, e := range errors {
		total += e
	}
	return max(total, 0)
}
