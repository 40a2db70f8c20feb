"""The paper in miniature, for real: `make train-mini`, and the shorter one of the tests."""
