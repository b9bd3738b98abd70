// Composites and newer operators become those of ONNX opset 17.
//   %y = Unary(%x) function=silu alpha=1
//   →   %s = Unary(%x) function=sigmoid
//       %y = Binary(%x, %s) function=mul
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"
#include "passes/lower.h"

namespace ropeway {
namespace {

using enum UnaryFunction;
using enum BinaryFunction;

// Of 16 bits, so that it is a number in all precisions.
constexpr double kLeastHalf = -65504;

class Lowering {
 public:
  explicit Lowering(Graph graph) : graph_(std::move(graph)) {}

  Graph run(std::vector<int>* sources) {
    const std::vector<Node> nodes = std::exchange(graph_.nodes, {});
    for (const Node& node : nodes) {
      node_ = &node;
      const ValueId result = lowered();
      if (result == kNoValue) graph_.nodes.push_back(node);
      else graph_.nodes.back().outputs[0] = node.outputs[0];  // `result` was the last to be added
      if (sources != nullptr) sources->resize(graph_.nodes.size(), static_cast<int>(&node - nodes.data()));
    }
    return compact(graph_);
  }

 private:
  // What the node becomes: the value of the last node added; kNoValue when it stays.
  ValueId lowered() {
    switch (node_->op) {
      case Op::Unary: return unary();
      case Op::Binary: return binary();
      case Op::LayerNormalization: return layer_normalization();
      case Op::ScaledDotProductAttention: return attention();
      case Op::AdaptiveAveragePool: return adaptive_pool();
      case Op::MaxPool:
      case Op::AveragePool: return pool();
      case Op::Reduce: return reduce();
      case Op::Pad: return pad();
      default: return kNoValue;
    }
  }

  const TensorType& type(ValueId id) const { return graph_.type(id); }
  ValueId in(size_t i) const { return node_->input(i); }

  ValueId add(Op op, Params params, std::vector<ValueId> inputs) {
    std::vector<const TensorType*> types;
    for (const ValueId id : inputs) types.push_back(id == kNoValue ? nullptr : &type(id));
    TensorType result = infer(op, params, types)[0];
    const ValueId output = graph_.add_value(graph_.value(node_->outputs[0]).name + ".part", std::move(result));
    graph_.nodes.push_back({op, std::move(params), std::move(inputs), {output}, node_->origin});
    return output;
  }
  ValueId add(UnaryFunction function, ValueId x, double alpha = 0, double beta = 0) { return add(Op::Unary, UnaryParams{function, alpha, beta}, {x}); }
  ValueId add(BinaryFunction function, ValueId a, ValueId b) { return add(Op::Binary, BinaryParams{function}, {a, b}); }
  ValueId constant(const Tensor& tensor) { return graph_.add_constant("onnx17.constant", tensor); }
  // A number of the dtype of `like`.
  ValueId number(double value, ValueId like) { return constant(convert(Tensor::of<double>({}, {value}), type(like).dtype)); }

  ValueId unary() {
    const auto& p = node_->get<UnaryParams>();
    const ValueId x = in(0);
    switch (p.function) {
      case gelu: {  // x (1 + erf(x / √2)) / 2
        const ValueId e = add(erf, add(div, x, number(std::numbers::sqrt2, x)));
        return add(mul, add(mul, x, add(BinaryFunction::add, e, number(1, x))), number(0.5, x));
      }
      case gelu_tanh: {  // x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2
        const ValueId cube = add(mul, add(mul, x, x), x);
        const ValueId inner = add(BinaryFunction::add, x, add(mul, cube, number(0.044715, x)));
        const ValueId t = add(UnaryFunction::tanh, add(mul, inner, number(std::sqrt(2 / std::numbers::pi), x)));
        return add(mul, add(mul, x, add(BinaryFunction::add, t, number(1, x))), number(0.5, x));
      }
      case silu: return add(mul, x, add(sigmoid, p.alpha == 1 ? x : add(mul, x, number(p.alpha, x))));
      case mish: return add(mul, x, add(UnaryFunction::tanh, add(softplus, x)));
      case rsqrt: return add(reciprocal, add(UnaryFunction::sqrt, x));
      default: return kNoValue;
    }
  }

  // ONNX gives a remainder the divisor's sign for whole numbers alone; for others it has fmod, which is the same where nothing is negative.
  ValueId binary() {
    if (node_->get<BinaryParams>().function != mod || !is_float(type(in(0)).dtype)) return kNoValue;
    const ValueId a = in(0), b = in(1), zero = number(0, a);
    const ValueId size = add(mod, add(UnaryFunction::abs, a), add(UnaryFunction::abs, b));
    const ValueId rest = add(Op::Where, NoParams{}, {add(less, a, zero), add(neg, size), size});
    const ValueId other_sign = add(logical_xor, add(less, rest, zero), add(less, b, zero));
    const ValueId not_zero = add(logical_not, add(equal, rest, zero));
    return add(Op::Where, NoParams{}, {add(logical_and, other_sign, not_zero), add(BinaryFunction::add, rest, b), rest});
  }

  // Padding with the other end of the image, a dimension at a time.
  ValueId pad() {
    const auto& p = node_->get<PadParams>();
    if (p.mode != "wrap" || std::ranges::any_of(p.pads, [](int64_t pad) { return pad < 0; })) return kNoValue;
    const size_t rank = p.pads.size() / 2;
    ValueId x = in(0);
    for (size_t d = 0; d < rank; ++d) {
      const int64_t size = type(x).shape[d], before = p.pads[d], after = p.pads[rank + d];
      if (before > size || after > size) return kNoValue;
      std::vector<ValueId> parts;
      if (before > 0) parts.push_back(part(x, d, size - before, size));
      parts.push_back(x);
      if (after > 0) parts.push_back(part(x, d, 0, after));
      if (parts.size() > 1) x = add(Op::Concat, AxisParams{static_cast<int64_t>(d)}, std::move(parts));
    }
    return x == in(0) ? kNoValue : x;
  }

  ValueId part(ValueId x, size_t dimension, int64_t begin, int64_t end) {
    SliceParams p{Ints(type(x).shape.size(), 0), type(x).shape, Ints(type(x).shape.size(), 1)};
    p.starts[dimension] = begin;
    p.ends[dimension] = end;
    return add(Op::Slice, p, {x});
  }

  // In ONNX the scale is needed.
  ValueId layer_normalization() {
    if (in(1) != kNoValue) return kNoValue;
    const Shape shape = type(in(0)).shape;  // a copy: adding values moves them
    Tensor ones({DType::f64, Shape(shape.begin() + node_->get<NormParams>().axis, shape.end())});
    std::ranges::fill(ones.data<double>(), 1.0);
    std::vector<ValueId> inputs = {in(0), constant(convert(ones, type(in(0)).dtype))};
    if (in(2) != kNoValue) inputs.push_back(in(2));
    return add(Op::LayerNormalization, node_->params, std::move(inputs));
  }

  // softmax(Q Kᵀ scale + mask) V
  ValueId attention() {
    const auto& p = node_->get<AttentionParams>();
    const ValueId q = in(0), k = in(1), v = in(2);
    Ints perm(type(k).shape.size());
    for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    const ValueId keys = add(Op::Transpose, PermParams{perm}, {k});
    ValueId scores = add(mul, add(Op::MatMul, NoParams{}, {q, keys}), number(p.scale, q));
    ValueId visible = visible_keys(scores);
    if (in(3) != kNoValue && type(in(3)).dtype != DType::boolean) {
      ValueId mask = in(3);
      if (may_hide_all_keys(mask)) {
        const ValueId least = number(kLeastHalf, mask), shown = add(greater, mask, least);
        visible = visible == kNoValue ? shown : add(logical_and, shown, visible);
        mask = add(BinaryFunction::max, mask, least);
      }
      scores = add(BinaryFunction::add, scores, mask);
    }
    if (visible == kNoValue) return add(Op::MatMul, NoParams{}, {add(Op::Softmax, AxisParams{std::ssize(perm) - 1}, {scores}), v});
    // What is hidden weighs nothing, and a query that sees nothing gives zeros.
    scores = add(Op::Where, NoParams{}, {visible, scores, number(kLeastHalf, q)});
    const ValueId weights = add(Op::Where, NoParams{}, {visible, add(Op::Softmax, AxisParams{std::ssize(perm) - 1}, {scores}), number(0, q)});
    return add(Op::MatMul, NoParams{}, {weights, v});
  }

  // Whether −∞ in the mask may leave a query nothing to see: the sum alone would then give NaN where zeros are due.
  bool may_hide_all_keys(ValueId mask) const {
    if (!graph_.is_constant(mask)) return true;
    const Tensor numbers = convert(*graph_.value(mask).constant, DType::f64);
    const auto x = numbers.data<double>();
    const auto keys = static_cast<std::ptrdiff_t>(numbers.shape().empty() ? 1 : numbers.shape().back());
    const auto hidden = [](double each) { return each == -std::numeric_limits<double>::infinity(); };
    if (node_->get<AttentionParams>().is_causal) return std::ranges::any_of(x, hidden);  // the two together may hide everything
    for (auto row = x.begin(); row != x.end(); row += keys) {
      if (std::all_of(row, row + keys, hidden)) return true;
    }
    return false;
  }

  // A boolean mask of what queries see; kNoValue for everything.
  ValueId visible_keys(ValueId scores) {
    const bool given = in(3) != kNoValue && type(in(3)).dtype == DType::boolean;
    if (!node_->get<AttentionParams>().is_causal) return given ? in(3) : kNoValue;
    const Shape shape = type(scores).shape;
    const int64_t queries = shape[shape.size() - 2], keys = shape.back();
    Tensor triangle({DType::boolean, {queries, keys}});
    for (int64_t i = 0; i < queries * keys; ++i) triangle.data<bool>()[static_cast<size_t>(i)] = i % keys <= i / keys;
    const ValueId causal = constant(triangle);
    return given ? add(logical_and, in(3), causal) : causal;
  }

  // Size 1 is ONNX's GlobalAveragePool. Bins of one size are an AveragePool; others a product with the bins' weights, a dimension at a time.
  ValueId adaptive_pool() {
    const Ints& sizes = node_->get<AdaptivePoolParams>().output_size;
    const Shape shape = type(in(0)).shape;  // a copy: adding values moves them
    const size_t first = shape.size() - sizes.size();
    if (std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size == 1; })) return kNoValue;
    PoolParams pool{{}, {}, Ints(2 * sizes.size(), 0), Ints(sizes.size(), 1), false, false, 0};
    bool even = true;
    for (size_t d = 0; d < sizes.size(); ++d) {
      even = even && sizes[d] > 0 && shape[first + d] % sizes[d] == 0 && shape[first + d] >= sizes[d];
      pool.kernel_shape.push_back(even ? shape[first + d] / sizes[d] : 1);
    }
    pool.strides = pool.kernel_shape;
    if (even) return add(Op::AveragePool, pool, {in(0)});
    ValueId x = in(0);
    for (size_t d = 0; d < sizes.size(); ++d) {
      if (shape[first + d] != sizes[d]) x = average_bins(x, first + d, sizes[d]);
    }
    return x;
  }

  ValueId average_bins(ValueId x, size_t dimension, int64_t bins) {
    const int64_t size = type(x).shape[dimension];
    Tensor weights({DType::f64, {size, bins}});
    for (int64_t b = 0; b < bins; ++b) {
      const int64_t begin = b * size / bins, end = ((b + 1) * size + bins - 1) / bins;
      for (int64_t i = begin; i < end; ++i) weights.data<double>()[static_cast<size_t>(i * bins + b)] = 1.0 / static_cast<double>(end - begin);
    }
    const ValueId matrix = constant(convert(weights, type(x).dtype));
    Ints swap(type(x).shape.size());
    for (size_t i = 0; i < swap.size(); ++i) swap[i] = static_cast<int64_t>(i);
    std::swap(swap[dimension], swap.back());
    const bool last = dimension + 1 == swap.size();
    if (!last) x = add(Op::Transpose, PermParams{swap}, {x});
    x = add(Op::MatMul, NoParams{}, {x, matrix});
    return last ? x : add(Op::Transpose, PermParams{swap}, {x});
  }

  // Rounding up, and a divisor, become padding and a factor: what runtimes make of ceil_mode at the border differs.
  ValueId pool() {
    auto p = node_->get<PoolParams>();
    if (!p.ceil_mode && p.divisor == 0) return kNoValue;
    const size_t spatial = p.kernel_shape.size();
    const Shape shape = type(in(0)).shape;  // a copy: adding values moves them
    const Shape result = type(node_->outputs[0]).shape;
    const size_t first = shape.size() - spatial;
    ValueId x = in(0);
    const bool counts_padding = node_->op == Op::AveragePool && (p.count_include_pad || p.divisor != 0);
    double factor = 1;
    if (counts_padding) {
      // The padding as zeros of their own, so that windows may go beyond it.
      Ints pads(2 * shape.size(), 0);
      std::copy_n(p.pads.begin(), spatial, pads.begin() + static_cast<std::ptrdiff_t>(first));
      std::copy_n(p.pads.begin() + static_cast<std::ptrdiff_t>(spatial), spatial, pads.end() - static_cast<std::ptrdiff_t>(spatial));
      std::ranges::fill(p.pads, 0);
      if (std::any_of(pads.begin(), pads.end(), [](int64_t pad) { return pad != 0; })) x = add(Op::Pad, PadParams{"constant", pads, 0}, {x});
    }
    const Shape padded = type(x).shape;
    for (size_t d = 0; d < spatial; ++d) {
      const int64_t needed = (result[first + d] - 1) * p.strides[d] + (p.kernel_shape[d] - 1) * p.dilations[d] + 1;
      p.pads[spatial + d] = std::max(p.pads[spatial + d], needed - padded[first + d] - p.pads[d]);
    }
    p.ceil_mode = false;
    p.count_include_pad = p.divisor != 0;
    if (p.divisor != 0) factor = static_cast<double>(element_count(p.kernel_shape)) / static_cast<double>(p.divisor);
    p.divisor = 0;
    x = add(node_->op, p, {x});
    return factor == 1 ? x : add(mul, x, number(factor, x));
  }

  // Of booleans: any and all, as the largest and the least of 0 and 1.
  ValueId reduce() {
    if (type(in(0)).dtype != DType::boolean) return kNoValue;
    const ValueId numbers = add(Op::Cast, CastParams{DType::i32}, {in(0)});
    return add(Op::Cast, CastParams{DType::boolean}, {add(Op::Reduce, node_->params, {numbers})});
  }

  Graph graph_;
  const Node* node_ = nullptr;
};

}  // namespace

Graph lower_to_onnx17(Graph graph, std::vector<int>* sources) { return Lowering(std::move(graph)).run(sources); }

}  // namespace ropeway
