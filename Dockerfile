# The application for compose.yaml: web server, workers and beat run from this one image.
FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    CODING_REVIEW_VAR=/var/lib/coding-review STATIC_ROOT=/app/staticfiles
WORKDIR /app
COPY requirements/bootstrap.txt requirements/base.txt requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/bootstrap.txt \
 && pip install --require-hashes --only-binary :all: -r requirements/base.txt
COPY . .
RUN useradd --system --home-dir /var/lib/coding-review --create-home coding-review \
 && install --directory --owner coding-review /evaluations /datasets /training /environment \
 && DATABASE_URL=postgres://build/none REDIS_URL=redis://build/0 SECRET_KEY=build \
        python manage.py collectstatic --noinput --verbosity 0
USER coding-review
EXPOSE 8000
CMD ["gunicorn", "coding_review.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--preload", "--config", "python:coding_review.gunicorn_hooks", "--no-control-socket"]
