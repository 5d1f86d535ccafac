"""The tuner: Optuna's studies, driven one step at a time. What is tried, pruned and counted is decided by the caller."""
