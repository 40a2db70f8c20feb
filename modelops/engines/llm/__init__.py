"""Coding by a language model behind an OpenAI-compatible vLLM server.

`transport` says what a server is to an engine; `client` and `pool` are servers; the rest turns charts into
requests and answers into suggestions. What a server answers is untrusted throughout.
"""
