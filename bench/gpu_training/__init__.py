"""What bench/gpu_train.py is made of. The pipeline is the miniature's (tests/mini), at another size and in pieces."""
