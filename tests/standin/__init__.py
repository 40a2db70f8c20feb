"""A fast stand-in for a vLLM server that answers by a dictionary and misbehaves on order.

`python -m tests.standin` serves; `tests.standin.process` starts and steers one from a test.
"""
