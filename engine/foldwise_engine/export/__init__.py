"""Fitted models as ONNX graphs that need no Python."""
