// The text form of a graph: what `ropeway inspect` prints, what tests of passes compare, what a bug report carries.
//
//   graph alexnet
//   input %x: f32[1,3,224,224]
//   const %features.0.weight: f32[64,3,11,11] = data(0x83dcefb7…)
//   %conv2d = Conv(%x, %features.0.weight, _) strides=[4,4] pads=[2,2,2,2] dilations=[1,1] group=1 : f32[1,64,55,55] @ features.0 (conv2d)
//   output %conv2d
//
// One line each for the graph, its inputs, constants, nodes and outputs, in the graph's order. `_` is an optional input left out. All parameters are
// printed; one that is left out when parsing has its default. After `@` stand the innermost module's path and, in brackets, the node's name in the file.
// A name with characters other than letters, digits and `_ . - /` is quoted, with \" \\ and \xHH inside. Lines that begin with # are comments.
//
// Elements of a constant are one of
//   [1, 2, 3]             all of them, row-major; printed up to 8. f16 and bf16 as bits: [0x3c00]
//   fill(0.5)             all equal
//   uniform(name, scale)  see uniform_tensor; scale is 1 when left out. Never printed
//   data(0x…)             printed for everything else: a 64-bit hash of the bytes. Parsing gives stand-ins: uniform(0x…) for f32 and f64, zeros otherwise
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace ropeway {

std::string to_text(const Graph& graph);
// The line of one node, without a line break.
std::string to_text(const Graph& graph, const Node& node);

// Types of a node's outputs; `infer` of src/ops/operator.h is one.
using InferTypes = std::function<std::vector<TensorType>(Op op, const Params& params, const std::vector<const TensorType*>& inputs)>;

// The graph of a text. parse_graph(to_text(g)) equals g but for elements that stand as data(…), for outer modules and for what nothing reads.
// Output types that a node's line leaves out come from `infer`, without which they are needed.
// Throws Error{invalid_argument} with the number of the line and what is wrong there.
Graph parse_graph(std::string_view text, const InferTypes& infer = {});

// scale · (element i of the stream `name`, see base/random.h) as f32 or f64; for integers without its fraction, for unsigned ones also without its sign;
// for booleans whether it is above 0. Throws Error{unsupported} for f16 and bf16.
Tensor uniform_tensor(TensorType type, std::string_view name, float scale = 1);

}  // namespace ropeway
