"""One adapter a model; the file name is the model's id."""
