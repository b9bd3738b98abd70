#include "ops/operator.h"

#include <unordered_map>

#include "base/text.h"
#include "ops/convert.h"

namespace ropeway {
namespace {

OpInfo make_info(const char* name, const char* inputs, int outputs) {
  OpInfo result{name, {}, false, outputs, nullptr, nullptr};
  for (std::string word : split(inputs, ' ')) {
    OpInput input;
    if (word.back() == '?') input.optional = true;
    if (word.back() == '*') result.variadic = true;
    if (word.back() == '?' || word.back() == '*') word.pop_back();
    input.name = word;
    result.inputs.push_back(std::move(input));
  }
  return result;
}

std::vector<OpInfo> make_table() {
  std::vector<OpInfo> table;
#define ROPEWAY_OP(op, params, inputs, outputs)                                                                                         \
  table.push_back(make_info(#op, inputs, outputs));                                                                                     \
  table.back().infer = [](const Params& p, const InputTypes& in) { return infer_##op(std::get<params>(p), in); };                       \
  table.back().reference = [](const Params& p, const InputTensors& in, std::span<Tensor> out) { reference_##op(std::get<params>(p), in, out); };
#include "ir/ops.def"
#undef ROPEWAY_OP
  return table;
}

template <class T>
std::vector<T> padded(const std::vector<T>& inputs, const OpInfo& op) {
  std::vector<T> result = inputs;
  if (result.size() < op.inputs.size()) result.resize(op.inputs.size(), nullptr);
  return result;
}

bool is_short_float(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

}  // namespace

const OpInfo& info(Op op) {
  static const std::vector<OpInfo> table = make_table();
  return table[static_cast<size_t>(op)];
}

std::vector<TensorType> infer(Op op, const Params& params, const std::vector<const TensorType*>& inputs) {
  const OpInfo& row = info(op);
  ensure(params.index() == default_params(op).index(), "{} was given another operator's parameters", row.name);
  if (inputs.size() > row.inputs.size() && !row.variadic) {
    fail(ErrorCode::invalid_argument, "{} takes at most {} inputs, but has {}", row.name, row.inputs.size(), inputs.size());
  }
  const InputTypes all = padded(inputs, row);
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    if (all[i] == nullptr && !row.inputs[i].optional) fail(ErrorCode::invalid_argument, "{} lacks its input {}", row.name, row.inputs[i].name);
  }
  // Sizes that multiply to more than any memory holds are refused here, so that operators can compute with them freely.
  for (const TensorType* type : all) {
    if (type != nullptr) element_count(type->shape);
  }
  std::vector<TensorType> results = row.infer(params, all);
  for (const TensorType& type : results) element_count(type.shape);
  return results;
}

bool is_random(Op op, const Params& params) { return op == Op::Dropout && std::get<DropoutParams>(params).training_mode; }

std::vector<Tensor> evaluate(Op op, const Params& params, const std::vector<const Tensor*>& inputs) {
  const OpInfo& row = info(op);
  InputTypes types;
  for (const Tensor* input : inputs) types.push_back(input == nullptr ? nullptr : &input->type());
  const std::vector<TensorType> result_types = infer(op, params, types);

  std::vector<Tensor> widened;
  widened.reserve(inputs.size());
  InputTensors all = padded(inputs, row);
  for (const Tensor*& input : all) {
    if (input == nullptr || !is_short_float(input->dtype()) || op == Op::Cast) continue;
    widened.push_back(convert(*input, DType::f32));
    input = &widened.back();
  }
  std::vector<Tensor> outputs;
  for (const TensorType& type : result_types) {
    const bool widen = is_short_float(type.dtype) && op != Op::Cast;
    outputs.emplace_back(TensorType{widen ? DType::f32 : type.dtype, type.shape});
  }
  row.reference(params, all, outputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].dtype() != result_types[i].dtype) outputs[i] = convert(outputs[i], result_types[i].dtype);
  }
  return outputs;
}

std::vector<Tensor> evaluate(const Graph& graph, const std::vector<Tensor>& inputs) {
  ensure(inputs.size() == graph.inputs.size(), "{} inputs for a graph of {}", inputs.size(), graph.inputs.size());
  std::vector<Tensor> values(graph.values.size());
  for (size_t i = 0; i < inputs.size(); ++i) values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].constant) values[i] = *graph.values[i].constant;
  }
  for (const Node& node : graph.nodes) {
    std::vector<const Tensor*> arguments;
    for (const ValueId id : node.inputs) arguments.push_back(id == kNoValue ? nullptr : &values[static_cast<size_t>(id)]);
    std::vector<Tensor> results = evaluate(node.op, node.params, arguments);
    for (size_t i = 0; i < results.size(); ++i) values[static_cast<size_t>(node.outputs[i])] = std::move(results[i]);
  }
  std::vector<Tensor> outputs;
  for (const ValueId id : graph.outputs) outputs.push_back(values[static_cast<size_t>(id)]);
  return outputs;
}

}  // namespace ropeway
