"""A real vLLM on a machine without a GPU: a small Llama of our own and the server that answers with it."""
