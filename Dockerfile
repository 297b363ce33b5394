# One image for web, worker, scheduler, signer and migrations; docker-compose.yml says which is which.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app

COPY requirements.lock .
RUN pip install --require-hashes --only-binary=:all: -r requirements.lock

COPY . .
RUN useradd --system --uid 990 --no-create-home baton \
    && install -d -o baton -m 700 /var/lib/baton /srv/baton \
    && BATON_SECRET_KEY=only-while-building BATON_KEYS=build:YW5kIHRoaXMgaXMgbm90IGEga2V5IGF0IGFsbCEhISE= \
       BATON_SECRETS_FILE=/dev/null python manage.py collectstatic --noinput --verbosity 0
USER baton
EXPOSE 8000
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8"]
