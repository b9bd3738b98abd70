// Operators whose result is known once shapes are, and those that vanish then.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/onnx/operators.h"
#include "ops/convert.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

constexpr int64_t kMostGenerated = int64_t{1} << 28;  // elements that a few bytes of the file may make

void expect_size(double elements) {
  if (!(elements <= static_cast<double>(kMostGenerated))) fail(ErrorCode::unsupported, "a generated constant of {:.3g} elements: {} are the most", elements, kMostGenerated);
}

Ids identity(const NodeImporter& node) {
  if (auto known = node.known(node.input(0))) return node.result(*known);  // the old exporter shares weights so
  return node.result(Op::Identity, NoParams{}, {node.input(0)});
}

Ids constant(const NodeImporter& node) {
  if (const auto value = node.tensor("value")) return node.result(*value);
  if (node.has("value_float")) return node.result(Tensor::of<float>({}, {static_cast<float>(node.number("value_float", 0))}));
  if (node.has("value_int")) return node.result(Tensor::of<int64_t>({}, {node.integer("value_int", 0)}));
  if (const auto value = node.numbers("value_floats")) return node.result(Tensor::of<float>({std::ssize(*value)}, *value));
  if (const auto value = node.integers("value_ints")) return node.result(Tensor::of<int64_t>({std::ssize(*value)}, *value));
  fail(ErrorCode::unsupported, "a Constant that is a string, is sparse, or has no value");
}

Ids shape(const NodeImporter& node) {
  const Shape& shape = node.shape(0);
  const int64_t rank = node.rank(0);
  const auto bound = [&](const char* name, int64_t fallback) {
    const int64_t given = node.integer(name, fallback);
    return std::clamp<int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  const int64_t start = bound("start", 0), end = std::max(start, bound("end", rank));
  return node.result(Tensor::of<int64_t>({end - start}, Ints(shape.begin() + start, shape.begin() + end)));
}

Ids size(const NodeImporter& node) { return node.result(Tensor::of<int64_t>({}, {element_count(node.shape(0))})); }

Ids constant_of_shape(const NodeImporter& node) {
  const Tensor value = node.tensor("value").value_or(Tensor({DType::f32, {1}}));
  if (value.count() != 1) fail(ErrorCode::invalid_model, "the value of ConstantOfShape has {} elements, not one", value.count());
  TensorType type{value.dtype(), node.ints(0, "the shape")};
  const int64_t count = element_count(type.shape);
  expect_size(static_cast<double>(count));
  Tensor result(std::move(type));
  const size_t item = size_of(result.dtype());
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) std::copy_n(value.raw(), item, result.raw() + i * item);
  return node.result(std::move(result));
}

Ids range(const NodeImporter& node) {
  const Tensor start = node.constant(0, "the start"), limit = node.constant(1, "the limit"), delta = node.constant(2, "the delta");
  const DType dtype = start.dtype();
  if (limit.dtype() != dtype || delta.dtype() != dtype) fail(ErrorCode::invalid_model, "Range from {} to {} by {}: the types differ", to_string(start.type()), to_string(limit.type()), to_string(delta.type()));
  if (dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::boolean) fail(ErrorCode::unsupported, "Range in {}", name(dtype));
  const double step = as_scalar(delta), steps = std::ceil((as_scalar(limit) - as_scalar(start)) / step);
  if (step == 0 || std::isnan(steps)) fail(ErrorCode::invalid_model, "Range from {} to {} by {}", as_scalar(start), as_scalar(limit), step);
  const double elements = std::max(0.0, steps);
  expect_size(elements);
  Tensor result({dtype, {static_cast<int64_t>(elements)}});
  visit_dtype(dtype, [&]<class T>() {
    T value = start.data<T>()[0];
    for (size_t i = 0; i < static_cast<size_t>(result.count()); ++i) {
      if constexpr (std::is_floating_point_v<T>) result.data<T>()[i] = value + static_cast<T>(i) * delta.data<T>()[0];
      if constexpr (std::is_integral_v<T>) result.data<T>()[i] = static_cast<T>(static_cast<uint64_t>(value) + i * static_cast<uint64_t>(delta.data<T>()[0]));
    }
  });
  return node.result(std::move(result));
}

// With a condition that is known, the branch stands for the node.
Ids if_known(const NodeImporter& node) {
  const GraphProto& then_branch = node.graph("then_branch");
  const GraphProto& else_branch = node.graph("else_branch");
  const bool condition = node.scalar(0, "the condition") != 0;
  return node.inline_branch(condition ? then_branch : else_branch);
}

constexpr Operator kConstantRows[] = {
    {.op_type = "Identity", .convert = identity}, {.op_type = "Constant", .convert = constant},
    {.op_type = "Shape", .convert = shape},       {.op_type = "Size", .convert = size},
    {.op_type = "Range", .convert = range},       {.op_type = "ConstantOfShape", .convert = constant_of_shape},
    {.op_type = "If", .convert = if_known},
};

}  // namespace

std::span<const Operator> constant_operators() { return kConstantRows; }

}  // namespace ropeway::onnx
