"""Simulators of TrainingPeaks and of destinations, in a process that shares nothing with Baton."""
