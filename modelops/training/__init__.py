"""Fine-tuning as a process of its own environment: files in, files out. Nothing here imports Django."""
