"""Tiny models that between them have every operator that the article's networks, MobileNet and a vision transformer need, and more."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 5), nn.Tanh(), nn.AvgPool2d(2))
        self.fc1, self.fc2 = nn.Linear(54, 12), nn.Linear(12, 10)

    def forward(self, x):
        x = self.features(x).view(-1, 54)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


class AlexNet(nn.Module):
    """With windows that overlap: 5×5 is pooled to 6×6."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 11, 4, 1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2), nn.Conv2d(4, 6, 5, padding=2), nn.ReLU(inplace=True))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(216, 8), nn.ReLU(inplace=True), nn.Linear(8, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)) if stride != 1 else None

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        x += shortcut
        return self.relu(x)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Block(4, 4, 1), Block(4, 8, 2))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(8, 10)

    def forward(self, x):
        x = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        def layer(i, o, kernel, groups=1):
            return nn.Sequential(nn.Conv2d(i, o, kernel, padding=kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o), nn.ReLU6(inplace=True))
        self.conv = nn.Sequential(layer(4, 24, 1), layer(24, 24, 3, 24), nn.Conv2d(24, 4, 1, bias=False), nn.BatchNorm2d(4))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.Hardsigmoid())

    def forward(self, x):
        y = x + self.conv(x)
        first, second = torch.chunk(y * self.gate(y), 2, dim=1)
        return F.hardswish(torch.cat([second, first], dim=1))


class EncoderBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_proj = nn.Conv2d(3, 16, 4, 4)
        self.class_token, self.position = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 10, 16))
        self.layers = nn.Sequential(EncoderBlock(16))
        self.ln, self.head = nn.LayerNorm(16), nn.Linear(16, 10)

    def forward(self, x):
        n = x.shape[0]
        x = self.conv_proj(x).reshape(n, 16, 9).permute(0, 2, 1)
        x = torch.cat([self.class_token.expand(n, -1, -1), x], dim=1) + self.position
        return self.head(self.ln(self.layers(x))[:, 0])


class Mixed(nn.Module):
    """Operators and attributes that the others lack."""

    def __init__(self):
        super().__init__()
        self.prelu, self.act, self.act_1 = nn.PReLU(4), nn.SiLU(), nn.Mish()
        self.same = nn.Conv1d(4, 4, 4, padding="same", dilation=2, groups=2)

    def forward(self, x):
        a = F.max_pool2d(x, 3, 2, 1, dilation=2, ceil_mode=True)
        b = F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)
        c = F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)[:, :, :a.shape[2], :a.shape[3]]
        a = self.prelu(a) + F.leaky_relu(b, 0.2)[..., :a.shape[2], :a.shape[3]] - F.elu(c, 0.7)
        first, second, third = a[:, :1], a[:, 1:3], a[:, 3:]  # torch.split becomes a sequence in files that are not optimised
        a = torch.cat([second.amax(1, keepdim=True), third.abs(), first.clamp(min=-0.5), second.flip(1)[:, :1]], dim=1)
        a = F.pad(a, (1, 2, 0, 1), mode="reflect") + F.pad(a, (1, 2, 0, 1), value=0.25)
        a = torch.where(a > 0.1, self.act(a), self.act_1(a)) + self.act(a).pow(2).sum(dim=(2, 3), keepdim=True) * 0.01
        a = F.gelu(a, approximate="tanh") + F.softplus(a).sqrt() + torch.softmax(a, dim=1) - torch.exp(-a.var(dim=1, unbiased=False, keepdim=True))
        a = self.same(a.flatten(2)).unflatten(2, (-1, 2)).transpose(1, 3).repeat(1, 2, 1, 1)
        return a.mean(dim=(1, 2)), torch.minimum(a, a.roll(1, 2)).select(2, 1), (a[:, ::3, -2:] < 0).to(torch.int64).sum(1)


def prepare(model, seed):
    """Random weights whose batch normalisation is not the identity."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.eval()


# Name: class, shape of the input.
MODELS = {
    "lenet": (LeNet, (2, 1, 24, 24)),
    "alexnet": (AlexNet, (1, 3, 50, 50)),
    "resnet": (ResNet, (2, 3, 20, 20)),
    "mobilenet": (MobileNet, (2, 4, 9, 9)),
    "vit": (ViT, (2, 3, 12, 12)),
    "mixed": (Mixed, (2, 4, 11, 12)),
}


def make(name):
    """The model, always with the same weights, and an input for it."""
    model, shape = MODELS[name]
    seed = list(MODELS).index(name)
    torch.manual_seed(seed)
    model = prepare(model(), seed)
    return model, torch.randn(shape)
