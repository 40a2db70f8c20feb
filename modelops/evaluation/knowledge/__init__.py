"""General medical knowledge before and after training: lm-evaluation-harness on local task files.

The harness lives in an environment of its own (`make knowledge`) and runs as a process: files in, files out.
"""
