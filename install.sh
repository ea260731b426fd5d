#!/bin/sh
# All that this project needs, in a virtual environment of its own, .venv; again does no harm.
#     sh install.sh                         to draw, train, teach and share
#     sh install.sh requirements-dev.txt    to test as well
set -e
cd "$(dirname "$0")"

python3 -c 'import sys; sys.version_info >= (3, 10) or sys.exit("Python 3.10 or newer is needed")'
# Debian and Ubuntu have what makes environments in a package of its own.
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  root=$([ "$(id -u)" = 0 ] || echo sudo)
  $root apt-get update && $root apt-get install -y python3-venv
fi
python3 -m venv .venv
echo "Installing into .venv: some minutes the first time"
install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"; }
# Where there is no NVIDIA GPU, PyTorch's build for the CPU: 1 GB instead of 6. Both of its packages
# come from there or none: one of each build would not work together.
if ! command -v nvidia-smi >/dev/null; then
  cpu=https://download.pytorch.org/whl/cpu
  # shellcheck disable=SC2046  # a word for each package
  install --quiet --retries 1 --no-deps --no-index --find-links $cpu/torch/ \
    --find-links $cpu/torchvision/ $(grep '^torch' requirements.txt) 2>/dev/null ||
    echo "PyTorch's own server can't be reached: its larger build comes from PyPI" >&2
fi
install -r "${1:-requirements.txt}"
# So that Python finds mnist_core from any directory.
install --no-deps --editable .
