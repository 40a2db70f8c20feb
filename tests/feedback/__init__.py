"""A round of feedback, simulated: what an engine suggested, decided on by the generator's truth, becomes a dataset."""
