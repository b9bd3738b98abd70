// The model as data: a list of nodes over values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/params.h"
#include "ropeway/tensor.h"

namespace ropeway {

enum class Op : uint8_t {
#define ROPEWAY_OP(name, params, inputs, outputs) name,
#include "ir/ops.def"
#undef ROPEWAY_OP
};

const char* name(Op op);
std::optional<Op> op_named(std::string_view name);
// All operators, in the order of ops.def.
const std::vector<Op>& all_ops();

// A parameter struct of any operator. The alternative is the one that ops.def gives the node's operator: the verifier holds that.
using Params = std::variant<NoParams, ConvParams, PoolParams, AdaptivePoolParams, EpsilonParams, NormParams, GemmParams, AttentionParams, AxisParams, UnaryParams,
                            BinaryParams, ReduceParams, CastParams, DropoutParams, ShapeParams, PermParams, SplitParams, SliceParams, PadParams, BatchDimsParams, ConvTransposeParams,
                            ScatterParams, ArgParams, TopKParams, CumSumParams, ResizeParams>;
// The struct that operator `op` has, with its defaults.
Params default_params(Op op);

using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an optional input that is not given

// One nn.Module of the path to a node.
struct ModuleFrame {
  std::string path;        // "layer1.0"
  std::string class_name;  // "BasicBlock"; empty when unknown
  bool operator==(const ModuleFrame&) const = default;
};

// Where a node came from; kept through every pass. Reports, errors and timings speak in it.
struct Origin {
  std::string node;                  // the node's name in the file
  std::vector<ModuleFrame> modules;  // outermost first; empty when unknown
  // The innermost module's path; "" for the model itself.
  const std::string& module_path() const;
};
// "layer1.0.conv1 (conv2d_3)", or what of that is known.
std::string to_string(const Origin& origin);

struct Value {
  std::string name;  // unique in its graph
  TensorType type;
  std::optional<Tensor> constant;  // shared, never written to
};

struct Node {
  Op op = Op::Identity;
  Params params;
  std::vector<ValueId> inputs;  // kNoValue for an optional input left out; trailing ones are cut off
  std::vector<ValueId> outputs;
  Origin origin;

  // The parameters as the operator's struct.
  template <class P> const P& get() const { return std::get<P>(params); }
  // Input i, or kNoValue.
  ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : kNoValue; }
};

// Nodes are in topological order. A value has one producer: a node, the graph's inputs, or its own constant.
// Values that nothing refers to may remain; `compact` drops them.
struct Graph {
  std::string name;    // the model's
  std::string source;  // file it came from, or "built-in"
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  const Value& value(ValueId id) const { return values[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<size_t>(id)]; }
  const TensorType& type(ValueId id) const { return value(id).type; }
  bool is_constant(ValueId id) const { return id != kNoValue && value(id).constant.has_value(); }

  // Adds a value under `name`, or under name_1, name_2 … when that is taken.
  ValueId add_value(std::string name, TensorType type);
  ValueId add_constant(std::string name, Tensor tensor);
};

// Index of the node that produces each value; -1 for inputs and constants.
std::vector<int> producers(const Graph& graph);
// How often each value is read, by nodes and as an output of the graph.
std::vector<int> use_counts(const Graph& graph);

// Replaces every reading of `from` by `to`, graph outputs included.
void replace_uses(Graph& graph, ValueId from, ValueId to);

// The graph without values that nothing refers to; ids change.
Graph compact(const Graph& graph);

}  // namespace ropeway
