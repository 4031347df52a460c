"""Data sets as bytes: (images, rows, columns, channels) and classes, for training and for validation."""

import gzip
import pathlib

import numpy
import torch


def load(name):
    """`digits` (scikit-learn's, 1797 of 8x8), or a folder with IDX files as those of MNIST and Fashion-MNIST."""
    return digits() if name == "digits" else idx(pathlib.Path(name))


def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.tensor(data.images * 255 / 16 + 0.5).to(torch.uint8).unsqueeze(3)  # 0 to 16, spread as mnasc does
    classes = torch.tensor(data.target)
    # The same fifth is held back in every trial.
    order = torch.tensor(numpy.random.default_rng(0).permutation(len(classes)))
    held, kept = order[: len(order) // 5], order[len(order) // 5 :]
    return (images[kept], classes[kept]), (images[held], classes[held])


def idx(folder):
    """Of the training images the last tenth is held back: test images are for the end of a search, not for its middle."""
    images = read_idx(folder, "train-images-idx3-ubyte").unsqueeze(3)
    classes = read_idx(folder, "train-labels-idx1-ubyte").long()
    kept = len(classes) * 9 // 10
    return (images[:kept], classes[:kept]), (images[kept:], classes[kept:])


def read_idx(folder, name):
    path = folder / name
    data = path.read_bytes() if path.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    dimensions = data[3]
    shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(dimensions)]
    return torch.tensor(numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape))
