"""The models of the PyTorch tier: the article's three, and four of the kinds that people bring. Full size, evaluation mode, random weights."""
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from random_stream import random_uniform  # noqa: E402


class AlexNet(nn.Module):
    """The article's: 64 kernels of 11×11 with padding 1, so that 224×224 gives 5×5 before the adaptive pooling to 6×6."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(inplace=True),
            nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 1000))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 54 * 54, 1024)
        self.fc2 = nn.Linear(1024, 1024)
        self.fc3 = nn.Linear(1024, 1000)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc1(x.flatten(1)))
        return self.fc3(torch.relu(self.fc2(x)))


class BasicBlock(nn.Module):
    def __init__(self, width_in, width, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if width_in != width:
            self.downsample = nn.Sequential(nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        x += shortcut
        return self.relu(x)


class Bottleneck(nn.Module):
    def __init__(self, width_in, width, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if width_in != 4 * width:
            self.downsample = nn.Sequential(nn.Conv2d(width_in, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        x += shortcut
        return self.relu(x)


def resnet34():
    """The article's: an average pool in the stem; the modules are called 0 to 17, as its rows count them."""
    blocks, width_in = [], 64
    for count, width in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for _ in range(count):
            blocks.append(BasicBlock(width_in, width, 1 if width == width_in else 2))
            width_in = width
    stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.AvgPool2d(3, 2, 1))
    return nn.Sequential(stem, *blocks, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)))


def resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    width_in = 64
    for stage, (count, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512))):
        for i in range(count):
            layers.append(Bottleneck(width_in, width, 2 if stage > 0 and i == 0 else 1))
            width_in = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def vgg16():
    layers, width_in = [], 3
    for width in (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512, "pool"):
        if width == "pool":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(width_in, width, 3, padding=1), nn.ReLU(inplace=True)]
            width_in = width
    classifier = [nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout(),
                  nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *classifier)


def conv_bn_relu6(width_in, width, kernel, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(width_in, width, kernel, stride, kernel // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(width), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    def __init__(self, width_in, width, stride, expansion):
        super().__init__()
        hidden = width_in * expansion
        layers = [] if expansion == 1 else [conv_bn_relu6(width_in, hidden, 1)]
        layers += [conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden), nn.Conv2d(hidden, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and width_in == width

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


def mobilenet_v2():
    layers, width_in = [conv_bn_relu6(3, 32, 3, 2)], 32
    for expansion, width, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(count):
            layers.append(InvertedResidual(width_in, width, stride if i == 0 else 1, expansion))
            width_in = width
    return nn.Sequential(*layers, conv_bn_relu6(320, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000))


class FusedAttention(nn.Module):
    """One product for queries, keys and values, and scaled_dot_product_attention: how current vision transformers write it."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(batch, tokens, width))


class TorchAttention(nn.Module):
    """PyTorch's own attention module."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Encoder(nn.Module):
    def __init__(self, width, heads, attention):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0.1), nn.Linear(4 * width, width), nn.Dropout(0.1))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """ViT-Tiny: 224×224, patches of 16, width 192, 3 heads, 12 layers. The last half of them uses PyTorch's attention module."""

    def __init__(self, width=192, heads=3, depth=12):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.cls = nn.Parameter(torch.randn(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, 197, width))
        self.layers = nn.Sequential(*(Encoder(width, heads, FusedAttention if i < depth // 2 else TorchAttention) for i in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 1000)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.position
        return self.head(self.norm(self.layers(x))[:, 0])


MODELS = {"alexnet": AlexNet, "lenet": LeNet, "resnet34": resnet34, "vgg16": vgg16, "resnet50": resnet50, "mobilenet_v2": mobilenet_v2,
          "vit": VisionTransformer}
BUILTIN = ("alexnet", "lenet", "resnet34")


def make(name):
    """The model with random weights that keep the size of activations from layer to layer, batch-norm statistics included."""
    torch.manual_seed(sum(name.encode()))
    model = MODELS[name]().eval()
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
    for block in model.modules():
        if isinstance(block, InvertedResidual):  # its last convolution has no activation behind it
            nn.init.kaiming_uniform_(block.conv[-2].weight, nonlinearity="linear")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.9, 1.1)
            nn.init.uniform_(module.bias, -0.1, 0.1)
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


def stream_tensor(stream, name, tensor):
    """What the built-in models hold for a parameter: a function of the stream's name, the parameter's name and its shape."""
    values = random_uniform(stream, tensor.numel()).reshape(tensor.shape)
    if tensor.ndim >= 2:
        return values * np.sqrt(np.float32(6) / np.float32(tensor.numel() // tensor.shape[0]))
    if name.endswith("running_var"):
        return values * np.float32(0.5) + np.float32(1)
    offset = np.float32(1 if name.endswith("weight") else 0)  # of rank 1, only a batch norm has a weight
    return values * np.float32(0.1) + offset


def make_builtin(name):
    """A built-in model of Ropeway, with the same weights to the last bit."""
    model = MODELS[name]().eval()
    state = {key: torch.from_numpy(stream_tensor(f"{name}.{key}", key, tensor)) for key, tensor in model.state_dict().items() if tensor.is_floating_point()}
    model.load_state_dict(state, strict=False)
    return model


def stream_input(batch=1):
    return random_uniform("input", batch * 3 * 224 * 224).reshape(batch, 3, 224, 224)
