// What a model costs on a chip when PyTorch runs it through torch_npu, an operator at a time: a prediction, not a measurement.
#pragma once

#include <vector>

#include "chip/cost_model.h"

namespace ropeway::chip {

// The operators of the graph, which must be as it was read (passes fold what eager execution computes), in order of execution: one after the other, each
//   launch + the kernels that it consists of, each of them max(cube, vector, memory).
// Tensors lie in memory as the graph declares them, 32 bits mostly. The cube and the pools take 16 bits in blocks of 16 channels alone, so that each of their
// operands is, at every call and through memory,
//   cast to 16 bits, laid out in blocks;  then the operator itself;  its result laid out in rows, cast back.
// Laying out the weights of a convolution with more than one tap is no plain copy: the taps of a channel lie together before it and apart after it, so that it
// takes Soc::filter_plane_cycles for each pair of an input and an output channel, whatever the number of taps. A 1×1 convolution's weights are a matrix.
// Everything else is one kernel on what is declared. Reshape, Identity and Dropout only rename; what only constants decide is done once, before.
// Host time is not in it: PyTorch's launches run ahead of the chip. That holds for the measurements at hand (three operators in 245 µs), not for ever smaller ones.
std::vector<OperatorCost> eager_cost(const Graph& graph, const Soc& soc);

}  // namespace ropeway::chip
