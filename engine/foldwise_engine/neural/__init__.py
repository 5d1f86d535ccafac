"""The neural family: four causal networks, one training loop."""
