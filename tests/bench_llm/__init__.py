"""`make bench-llm`: the LLM engine under load and faults, against the stand-in and a real vLLM."""
