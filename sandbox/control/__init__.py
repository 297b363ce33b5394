"""How a test or a person plays TrainingPeaks and the destinations."""
