# The page, without a GPU:
#     docker build -t draw-a-digit .
#     docker run --read-only --tmpfs /tmp -p 7860:7860 draw-a-digit
# The image has the shipped network. A network that is installed in this clone is used with
#     docker run -v "$PWD/installed:/app/installed:ro" ...
# Base and packages are pinned by their hashes. .ci/lock renews the packages; the digest of a newer
# base is what `docker buildx imagetools inspect python:3.12-slim` shows. PyTorch's build is that
# for x86-64: elsewhere add --platform linux/amd64 to both.
ARG BASE=python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
FROM $BASE

WORKDIR /app
COPY requirements.lock .
# PyTorch's own index has builds without CUDA, a tenth of the size.
RUN pip install --no-cache-dir --require-hashes --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.lock

COPY app.py .
COPY docs docs
COPY mnist_core mnist_core
COPY serving serving
COPY ui ui
COPY weights weights

RUN useradd --system digit
USER digit

# Nothing is written but to /tmp: matplotlib's and Gradio's caches.
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 HOME=/tmp PYTHONDONTWRITEBYTECODE=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=8)"]
# There is no place for a database; with a PostgreSQL in DATABASE_URL, --corrections keeps them
# there: docker run ... -e DATABASE_URL=postgresql://... draw-a-digit python app.py --corrections
CMD ["python", "app.py", "--no-corrections"]
