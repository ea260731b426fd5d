# The page, without a GPU:
#     docker build -t draw-a-digit .
#     docker run -p 7860:7860 draw-a-digit
FROM python:3.12-slim

WORKDIR /app
COPY requirements.txt .
# PyTorch's own index has builds without CUDA, a tenth of the size.
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt

COPY app.py .
COPY mnist_core mnist_core
COPY serving serving
COPY ui ui
COPY weights weights

RUN useradd --system --create-home digit
USER digit

ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=8)"]
# Its user may write nowhere; with a PostgreSQL in DATABASE_URL, --corrections keeps them there.
CMD ["python", "app.py", "--no-corrections"]
