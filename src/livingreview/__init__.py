"""A living systematic review of deep learning in cardiac MRI, and the engine that computes it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("livingreview")
except PackageNotFoundError:  # the package is run from a source tree without an install
    __version__ = "0+unknown"
