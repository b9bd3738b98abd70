// Unary functions, binary arithmetic with broadcasting, choice by a condition.
#include <algorithm>
#include <optional>

#include "cpu/implementations.h"
#include "cpu/kernels/binary.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/reorder.h"
#include "cpu/kernels/unary.h"
#include "cpu/lambda_kernel.h"
#include "cpu/parallel.h"
#include "cpu/strided_loop.h"
#include "ops/shape_util.h"

namespace ropeway::cpu {
namespace {

constexpr int64_t kFunctionCost = 4;  // of an elementary function, in copied elements
constexpr int64_t kTile = 4096;       // elements that stay in the first-level cache until they are finished

// An activation and rounding over results just stored.
struct Finish {
  std::optional<UnaryParams> activation;
  bool round;
  explicit Finish(const Fusion& fusion) : activation(fusion.activation), round(fusion.round_f16) {}
  void operator()(float* values, int64_t count) const {
    if (activation) apply_unary(*activation, values, values, static_cast<size_t>(count));
    if (round) round_to_f16(values, values, count);
  }
};

// Calls f(begin, end) for tiles of [begin, end).
template <class F>
void for_tiles(int64_t begin, int64_t end, const F& f) {
  for (; begin < end; begin += kTile) f(begin, std::min(end, begin + kTile));
}

// The pads of a blocked result may hold anything after a function: 1/0, log 0. They are promised to be finite.
void keep_padding_finite(float* out, const Shape& shape, Layout layout, ThreadPool& pool) {
  if (layout == Layout::blocked) clear_padding(out, shape, pool);
}

std::string declines_unary(const KernelRequest& request) {
  if (!request.all_f32()) return "it computes in f32 only";
  if (request.fusion.residual != kNoValue || request.fusion.bias != kNoValue || request.fusion.activation) return "it fuses rounding only";
  return "";
}

std::unique_ptr<Kernel> make_unary(const KernelRequest& request) {
  const Shape shape = request.output_shape();
  const int64_t count = physical_count(shape, request.layout);
  return make_kernel([=, function = request.node.get<UnaryParams>(), layout = request.layout, finish = Finish(request.fusion)](const KernelArguments& a) {
    parallel_for(a.pool, count, kFunctionCost, [&](int64_t from, int64_t to) {
      for_tiles(from, to, [&](int64_t begin, int64_t end) {
        apply_unary(function, a.in(0) + begin, a.out() + begin, static_cast<size_t>(end - begin));
        finish(a.out() + begin, end - begin);
      });
    });
    keep_padding_finite(a.out(), shape, layout, a.pool);
  });
}

std::string declines_binary(const KernelRequest& request) {
  if (!request.all_f32() || !is_arithmetic(request.node.get<BinaryParams>().function)) return "it computes f32 arithmetic only";
  if (request.fusion.residual != kNoValue || request.fusion.bias != kNoValue) return "it fuses no addition";
  return "";
}

// Both operands in the same order, or one of them a single element: one flat loop in any layout.
std::string declines_flat(const KernelRequest& request) {
  if (std::string why = declines_binary(request); !why.empty()) return why;
  int64_t full = 0;
  for (size_t i = 0; i < 2; ++i) {
    const Shape& shape = request.input_shape(i);
    const bool constant = request.constant(i) != nullptr;  // lies plain
    const bool same = element_count(shape) == element_count(request.output_shape()) && (request.layout == Layout::plain || (shape == request.output_shape() && !constant));
    if (!same && element_count(shape) != 1) return "an operand is broadcast";
    if (!same && request.layout == Layout::blocked && !constant) return "a computed single element in blocked layout";
    full += same;
  }
  return full > 0 ? "" : "no operand has the result's shape";
}

std::unique_ptr<Kernel> make_flat(const KernelRequest& request) {
  const Shape shape = request.output_shape();
  const Layout layout = request.layout;
  const auto step = [&](size_t i) -> int64_t { return element_count(request.input_shape(i)) == element_count(shape) && !(layout == Layout::blocked && request.constant(i) != nullptr) ? 1 : 0; };
  const int64_t a_step = step(0), b_step = step(1), count = physical_count(shape, layout);
  return make_kernel([=, function = request.node.get<BinaryParams>().function, finish = Finish(request.fusion)](const KernelArguments& a) {
    parallel_for(a.pool, count, 1, [&](int64_t from, int64_t to) {
      for_tiles(from, to, [&](int64_t begin, int64_t end) {
        apply_binary(function, a.in(0) + begin * a_step, a_step, a.in(1) + begin * b_step, b_step, a.out() + begin, end - begin);
        finish(a.out() + begin, end - begin);
      });
    });
    keep_padding_finite(a.out(), shape, layout, a.pool);
  });
}

std::string declines_broadcast(const KernelRequest& request) {
  if (std::string why = declines_binary(request); !why.empty()) return why;
  return request.output_shape().size() <= StridedLoop<2>::kMaxDims ? "" : "too many dimensions";
}

std::unique_ptr<Kernel> make_broadcast(const KernelRequest& request) {
  const Shape& shape = request.output_shape();
  const StridedLoop<2> loop(shape, {broadcast_strides(request.input_shape(0), shape), broadcast_strides(request.input_shape(1), shape)});
  return make_kernel([=, count = element_count(shape), function = request.node.get<BinaryParams>().function, finish = Finish(request.fusion)](const KernelArguments& a) {
    parallel_for(a.pool, count, 1, [&](int64_t begin, int64_t end) {
      float* out = a.out() + begin;
      loop.for_runs(begin, end, [&](const auto& at, int64_t n) {
        apply_binary(function, a.in(0) + at[0], loop.inner().stride[0], a.in(1) + at[1], loop.inner().stride[1], out, n);
        finish(out, n);
        out += n;
      });
    });
  });
}

std::string declines_where(const KernelRequest& request) {
  if (!request.fusion.empty()) return "it fuses nothing";
  if (request.graph.type(request.node.inputs[1]).dtype != DType::f32) return "it chooses between f32 only";
  return request.output_shape().size() <= StridedLoop<3>::kMaxDims ? "" : "too many dimensions";
}

std::unique_ptr<Kernel> make_where(const KernelRequest& request) {
  const Shape& shape = request.output_shape();
  const StridedLoop<3> loop(
      shape, {broadcast_strides(request.input_shape(0), shape), broadcast_strides(request.input_shape(1), shape), broadcast_strides(request.input_shape(2), shape)});
  return make_kernel([=, count = element_count(shape)](const KernelArguments& a) {
    const auto& step = loop.inner().stride;
    parallel_for(a.pool, count, 1, [&](int64_t begin, int64_t end) {
      float* out = a.out() + begin;
      loop.for_runs(begin, end, [&](const auto& at, int64_t n) {
        select(a.in<bool>(0) + at[0], step[0], a.in(1) + at[1], step[1], a.in(2) + at[2], step[2], out, n);
        out += n;
      });
    });
  });
}

}  // namespace

std::span<const Implementation> unary_implementations() {
  static const Implementation rows[] = {{"unary", Layout::any, Layout::any, declines_unary, make_unary}};
  return rows;
}

std::span<const Implementation> binary_implementations() {
  static const Implementation rows[] = {
      {"binary.flat", Layout::any, Layout::any, declines_flat, make_flat},
      {"binary.broadcast", Layout::plain, Layout::plain, declines_broadcast, make_broadcast},
  };
  return rows;
}

std::span<const Implementation> where_implementations() {
  static const Implementation rows[] = {{"where", Layout::plain, Layout::plain, declines_where, make_where}};
  return rows;
}

}  // namespace ropeway::cpu
