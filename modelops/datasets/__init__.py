"""Datasets: what a model is trained on, as the engine will ask it and as it should have answered."""
