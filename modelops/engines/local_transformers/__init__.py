"""Small checkpoints answered by transformers where no vLLM runs: a process of the training environment, spoken to as a
model server is. checkpoint.py and server.py run there, without Django; the rest is the application's side."""
