import os

# Before numpy is imported: its matrix products are small here, and on shared cores a second thread of BLAS waits
# for the first by spinning, which doubles the processor time of agreement and shortens nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from coding_review.celery import app as celery_app

__all__ = ["celery_app"]
