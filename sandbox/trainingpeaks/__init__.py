"""TrainingPeaks as it is documented, and as it may be where nobody says."""
