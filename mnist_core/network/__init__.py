"""The network, its file and its calibration. The constants here need no PyTorch."""

DIGITS = 10

# Larger networks are refused, in training and in loading: this one has half a gigabyte of weights.
MAX_WIDTH = 4096
MAX_LAYERS = 8
