// What is known of every operator: its inputs, its type inference and its reference implementation.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace ropeway {

// Types of a node's inputs, in order; nullptr for an optional one left out. Never shorter than the operator's list of inputs.
using InputTypes = std::vector<const TensorType*>;
// The inputs themselves, likewise.
using InputTensors = std::vector<const Tensor*>;

struct OpInput {
  std::string name;
  bool optional = false;
};

struct OpInfo {
  const char* name;
  std::vector<OpInput> inputs;
  bool variadic = false;  // the last input may be repeated
  int outputs = 1;        // -1: by parameters
  // Output types. Throws Error{invalid_argument} that says which input or parameter does not fit.
  std::vector<TensorType> (*infer)(const Params& params, const InputTypes& inputs);
  // Plain loops, the oracle of every kernel. Outputs are allocated, of the inferred types. f16 and bf16 never reach it: `evaluate` widens them.
  void (*reference)(const Params& params, const InputTensors& inputs, std::span<Tensor> outputs);
};

const OpInfo& info(Op op);

// Whether a node draws random numbers, so that nothing can know its outputs beforehand: dropout in training mode.
bool is_random(Op op, const Params& params);

// Output types of a node. Checks the number of inputs, the parameter struct and dtypes common to all operators, then asks the operator.
std::vector<TensorType> infer(Op op, const Params& params, const std::vector<const TensorType*>& inputs);

// Outputs of a node by its reference implementation; f16 and bf16 are computed in f32 and rounded once.
std::vector<Tensor> evaluate(Op op, const Params& params, const std::vector<const Tensor*>& inputs);

// All outputs of a graph by the reference implementations, for its inputs in order. The oracle of backends and passes.
std::vector<Tensor> evaluate(const Graph& graph, const std::vector<Tensor>& inputs);

// infer_X and reference_X of every row of ops.def.
#define ROPEWAY_OP(name, params, inputs, outputs)                                      \
  std::vector<TensorType> infer_##name(const params& p, const InputTypes& in);         \
  void reference_##name(const params& p, const InputTensors& in, std::span<Tensor> out);
#include "ir/ops.def"
#undef ROPEWAY_OP

}  // namespace ropeway
