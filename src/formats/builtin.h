// The article's networks, layer by layer.
#pragma once

#include "ir/graph.h"

namespace ropeway {

// Input f32[batch, 3, 224, 224] called "input", output f32[batch, 1000]. Weights are generated: parameter `name` of `model` is stream "model.name" of base/random.h, scaled
//   rank ≥ 2: √(6 / fan-in), which keeps the variance of activations through ReLU (He et al. 2015); fan-in is the product of all sizes but the first
//   biases: 0.1; batch norm: weight 1 + 0.1 u, bias 0.1 u, mean 0.1 u, variance 1 + 0.5 u.
// Where the article says nothing (activations, kind of pooling, adaptive pooling) the choice is ours: max pooling, ReLU.
Graph make_alexnet(int64_t batch);
Graph make_lenet(int64_t batch);
// ResNet-34 with an average pool in the stem in place of the max pool; modules 0 (stem), 1 to 16 (blocks) and 17 (head).
Graph make_resnet34(int64_t batch);

}  // namespace ropeway
