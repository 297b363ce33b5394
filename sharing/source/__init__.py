"""TrainingPeaks as it answers: calls, what answers mean, limits. What its JSON means: `plans`."""
