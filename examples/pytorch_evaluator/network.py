"""A spec of mnas as a PyTorch module, made of timm's blocks.

What is read: the blocks `conv`, `sepconv`, `mbconv` and `fused_mbconv` with all of their keys but `skip: pool` and
`skip: projection`, and everything around them but `scale`. A spec that has anything else is refused, not approximated.
"""

import functools
import math
import re

import torch
import yaml
from timm.layers import create_conv2d
from timm.models._efficientnet_blocks import (
    ConvBnAct,
    DepthwiseSeparableConv,
    EdgeResidual,
    InvertedResidual,
    SqueezeExcite,
)
from torch import nn

ACTIVATIONS = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "hard_swish": nn.Hardswish,
    "swish": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
}

# Modules of timm's blocks by their names in mnas: a convolution, and the batch norm behind it.
MODULES = {
    "conv": {"conv": ("conv", "bn1")},
    "sepconv": {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")},
    "mbconv": {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3")},
    "fused_mbconv": {"expand": ("conv_exp", "bn1"), "project": ("conv_pwl", "bn2")},
}

BLOCK_KEYS = {
    "op", "kernel", "stride", "filters", "layers", "expand", "se", "skip", "activation", "padding", "pointwise_activation",
}  # fmt: skip
SPEC_KEYS = {
    "name", "input", "preprocess", "labels", "batch_norm", "padding", "activation", "squeeze_excite", "stem", "blocks",
    "head", "limits",
}  # fmt: skip
HEAD_KEYS = {"filters", "activation", "pool", "hidden", "dropout", "classes"}


class Unsupported(Exception):
    """The spec has something that this file does not build."""


def known(found, keys, where):
    if not isinstance(found, dict):
        raise Unsupported(f"{where} is no map: {found}")
    for key in found.keys() - keys:
        raise Unsupported(f"`{key}` in {where} is not read here")
    return found


def long_form(block):
    """A block string of timm as a map; a map as it is."""
    if not isinstance(block, str):
        return block
    kind, *words = block.split("_")
    made = {"op": {"cn": "conv", "ds": "sepconv", "dsa": "sepconv", "ir": "mbconv", "er": "fused_mbconv"}.get(kind)}
    if kind == "cn" and "skip" not in words:
        made["skip"] = "none"
    if kind == "dsa":
        made["pointwise_activation"] = "same"
    keys = {"r": "layers", "k": "kernel", "s": "stride", "e": "expand", "c": "filters", "se": "se"}
    words_of_activations = {"nre": "relu", "nr6": "relu6", "nhs": "hard_swish", "nsw": "swish"}
    for word in words:
        letters, number = re.fullmatch(r"([a-z]+)([0-9.]*)", word).groups() if word[:1].isalpha() else ("", "")
        if word in words_of_activations:
            made["activation"] = words_of_activations[word]
        elif word == "noskip":
            made["skip"] = "none"
        elif letters in keys and number:
            made[keys[letters]] = float(number) if letters in ("e", "se") else int(number)
        elif word != "skip":
            raise Unsupported(f"`{word}` in the block string {block}")
    if made["op"] is None:
        raise Unsupported(f"the block string {block} is not one of timm's that this example reads")
    if made["op"] == "sepconv":
        made.pop("expand", None)
    return made


def round_channels(channels):
    """To the nearest multiple of 8, and one up where that loses more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class Network(nn.Module):
    def __init__(self, text):
        super().__init__()
        spec = known(yaml.safe_load(text), SPEC_KEYS, "the spec")
        self.height, self.width, channels = (int(size) for size in spec["input"].split("x"))
        self.input_channels = channels
        self.preprocess = spec.get("preprocess") or {}
        self.activation = spec.get("activation", "relu")
        self.padding = spec.get("padding", "same")
        self.squeeze_excite = spec.get("squeeze_excite") or {}
        eps = float((spec.get("batch_norm") or {}).get("eps", 1e-3))
        self.norm_layer = functools.partial(nn.BatchNorm2d, eps=eps)
        # What each module is called in mnas: names of its parts by ours.
        self.names = {}

        self.stem = self.block("stem", {**spec["stem"], "skip": "none"}, channels, first=True)
        channels = spec["stem"]["filters"]
        self.blocks = nn.ModuleList()
        for index, block in enumerate(map(long_form, spec["blocks"])):
            layers = nn.Sequential()
            for repeat in range(known(block, BLOCK_KEYS, f"block {index}").get("layers", 1)):
                layers.append(self.block(f"blocks.{index}.{repeat}", block, channels, first=repeat == 0))
                channels = block["filters"]
            self.blocks.append(layers)
        if spec["head"] == "none":
            raise Unsupported("a backbone has no classes to learn")
        self.head(known(spec["head"], HEAD_KEYS, "the head"), channels)

    def block(self, name, block, channels, first):
        op = known(block, BLOCK_KEYS, name)["op"]
        stride = block.get("stride", 1) if first else 1
        skip = block.get("skip", "identity")
        padding = block.get("padding", self.padding)
        if op not in MODULES or skip not in ("identity", "none") or padding not in ("same", "symmetric"):
            raise Unsupported(f"{name} is {block}")
        filters = block["filters"]
        activation = block.get("activation", self.activation)
        common = {
            "in_chs": channels,
            "out_chs": filters,
            "stride": stride,
            "pad_type": "same" if padding == "same" else "",
            "act_layer": ACTIVATIONS[activation],
            "norm_layer": self.norm_layer,
        }
        kernel, noskip = block["kernel"], skip == "none"
        expand = float(block.get("expand", 1))
        expanded = channels if op == "sepconv" else round_channels(channels * expand)
        if op != "conv":
            common["se_layer"] = self.se(block.get("se"), channels, expanded, activation)
        if op == "conv":
            made = ConvBnAct(kernel_size=kernel, skip=not noskip, **common)
        elif op == "sepconv":
            last = block.get("pointwise_activation", "linear")
            if last not in ("linear", "same", activation):
                raise Unsupported(f"{name}: timm has one activation for both of its convolutions")
            is_active = last != "linear"
            made = DepthwiseSeparableConv(
                dw_kernel_size=kernel, noskip=noskip or is_active, pw_act=is_active, **common
            )
        elif op == "mbconv":
            made = InvertedResidual(dw_kernel_size=kernel, noskip=noskip, exp_ratio=expand, **common)
        else:
            made = EdgeResidual(exp_kernel_size=kernel, noskip=noskip, exp_ratio=expand, **common)
        for part, (conv, norm) in MODULES[op].items():
            self.names[f"{name}.{part}"] = f"{name}.{conv}"
            self.names[f"{name}.{part}.bn"] = f"{name}.{norm}"
        if op != "conv" and block.get("se"):
            self.names[f"{name}.se.reduce"] = f"{name}.se.conv_reduce"
            self.names[f"{name}.se.expand"] = f"{name}.se.conv_expand"
        return made

    def se(self, ratio, channels, expanded, activation):
        if not ratio:
            return None
        share = (expanded if self.squeeze_excite.get("of") == "expanded" else channels) * float(ratio)
        rounding = {"nearest": round, "floor": math.floor, "channels": round_channels}
        reduced = max(1, rounding[self.squeeze_excite.get("rounding", "nearest")](share))
        inner = ACTIVATIONS[self.squeeze_excite.get("activation", activation)]
        gate = ACTIVATIONS[self.squeeze_excite.get("gate", "sigmoid")]
        return lambda gated, **_: SqueezeExcite(gated, rd_channels=reduced, act_layer=inner, gate_layer=gate)

    def head(self, head, channels):
        activation = ACTIVATIONS[head.get("activation", self.activation)]
        self.head_conv = self.hidden = None
        if filters := head.get("filters"):
            self.head_conv = nn.Sequential(create_conv2d(channels, filters, 1), self.norm_layer(filters), activation())
            self.names |= {"head.conv": "head_conv.0", "head.conv.bn": "head_conv.1"}
            channels = filters
        if hidden := head.get("hidden"):
            self.hidden = nn.Sequential(nn.Conv2d(channels, hidden, 1), activation())
            self.names["head.hidden"] = "hidden.0"
            channels = hidden
        self.dropout = nn.Dropout(float(head.get("dropout", 0)))
        self.classifier = nn.Linear(channels, head["classes"])
        self.names["classifier"] = "classifier"

    def forward(self, x):
        x = self.stem(x)
        for layers in self.blocks:
            x = layers(x)
        if self.head_conv is not None:
            x = self.head_conv(x)
        x = x.mean((2, 3), keepdim=True)
        if self.hidden is not None:
            x = self.hidden(x)
        return self.classifier(self.dropout(x.flatten(1)))

    def parameter_count(self):
        return sum(parameter.numel() for parameter in self.parameters())

    def normalize(self, pixels):
        """Bytes (images, rows, columns, channels) to what the network takes."""
        mean, std = (torch.tensor(self.preprocess.get(key, default)) for key, default in (("mean", 0.0), ("std", 1.0)))
        values = pixels.float() / float(self.preprocess.get("range", 255))
        return ((values - mean) / std).permute(0, 3, 1, 2).contiguous()

    def weights(self):
        """All tensors under mnas's names: what `mnasc --weights` reads from a safetensors file."""
        state, tensors = self.state_dict(), {}
        for name, ours in self.names.items():
            for leaf in ["weight", "bias", "running_mean", "running_var"]:
                if f"{ours}.{leaf}" in state:
                    tensors[f"{name}.{leaf}"] = state[f"{ours}.{leaf}"].detach().clone().contiguous()
        return tensors
