"""mini_Xception in PyTorch, as people write it: for `make_onnx_exports.py`."""

import torch
from torch import nn
from torch.nn import functional


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        gate = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.expand(torch.relu(self.reduce(gate))))


def separable(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3),
    )


class Module(nn.Module):
    def __init__(self, inputs, outputs, padding, with_se):
        super().__init__()
        self.padding = padding
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs, eps=1e-3)
        )
        self.first = separable(inputs, outputs)
        self.second = separable(outputs, outputs)
        self.se = SqueezeExcite(outputs, outputs // 4) if with_se else nn.Identity()

    def pool(self, x):
        if self.padding == "symmetric":
            return functional.max_pool2d(x, 3, 2, padding=1)
        # TensorFlow's SAME: the odd row and column at the end.
        height, width = (1 + size % 2 for size in x.shape[2:])
        around = (width // 2, width - width // 2, height // 2, height - height // 2)
        x = functional.pad(x, around, value=float("-inf"))
        return functional.max_pool2d(x, 3, 2)

    def forward(self, x):
        y = self.second(torch.relu(self.first(x)))
        return self.pool(self.se(y)) + self.shortcut(x)


class MiniXception(nn.Module):
    def __init__(self, padding="symmetric", with_se=False, classes=7):
        super().__init__()
        layers = []
        for inputs in [1, 8]:
            layers += [nn.Conv2d(inputs, 8, 3, bias=False), nn.BatchNorm2d(8, eps=1e-3), nn.ReLU()]
        self.stem = nn.Sequential(*layers)
        widths = [8, 16, 32, 64, 128]
        self.modules_ = nn.Sequential(*(Module(a, b, padding, with_se) for a, b in zip(widths, widths[1:])))
        self.classifier = nn.Conv2d(128, classes, 3, padding=1)

    def forward(self, x):
        return self.classifier(self.modules_(self.stem(x))).mean((2, 3))
