// Softmax, layer normalisation and batch normalisation (where it could not be folded into a convolution).
#include <cmath>
#include <vector>

#include "cpu/implementations.h"
#include "cpu/kernels/normalize.h"
#include "cpu/lambda_kernel.h"
#include "cpu/parallel.h"
#include "ops/shape_util.h"

namespace ropeway::cpu {
namespace {

constexpr int64_t kExpCost = 4;      // of an element, in copied elements
constexpr int64_t kColumnChunk = 64;  // neighbouring columns that one task takes: some cache lines of each row

template <bool kLog>
std::unique_ptr<Kernel> make_softmax(const KernelRequest& request) {
  const AxisSplit split(request.output_shape(), request.node.get<AxisParams>().axis);
  return make_kernel([=](const KernelArguments& a) {
    if (split.size == 0) return;
    const int64_t chunks = divide_up(split.inner, kColumnChunk);
    parallel_for(a.pool, split.outer * chunks, kExpCost * split.size * std::min(split.inner, kColumnChunk), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t column = i % chunks * kColumnChunk, at = i / chunks * split.size * split.inner + column;
        if (split.inner == 1) {
          (kLog ? log_softmax_row : softmax_row)(a.in(0) + at, a.out() + at, split.size);
        } else {
          (kLog ? log_softmax_columns : softmax_columns)(a.in(0) + at, a.out() + at, split.size, std::min(kColumnChunk, split.inner - column), split.inner);
        }
      }
    });
  });
}

std::string declines_layer_norm(const KernelRequest& request) {
  if (std::string why = declines_f32(request); !why.empty()) return why;
  const Shape& x = request.input_shape(0);
  const auto axis = static_cast<size_t>(request.node.get<NormParams>().axis);
  for (size_t i = 1; i < request.node.inputs.size(); ++i) {
    const ValueId id = request.node.input(i);
    if (id != kNoValue && element_count(request.graph.type(id).shape) != element_count(std::span(x).subspan(axis))) return "scale or shift is broadcast";
  }
  return "";
}

std::unique_ptr<Kernel> make_layer_norm(const KernelRequest& request) {
  const auto& p = request.node.get<NormParams>();
  const Shape& x = request.input_shape(0);
  const auto axis = static_cast<size_t>(p.axis);
  const int64_t rows = element_count(std::span(x).first(axis)), length = element_count(std::span(x).subspan(axis));
  return make_kernel([=, epsilon = static_cast<float>(p.epsilon)](const KernelArguments& a) {
    if (length == 0) return;
    const float* scale = a.inputs.size() > 1 ? a.in(1) : nullptr;
    const float* shift = a.inputs.size() > 2 ? a.in(2) : nullptr;
    parallel_for(a.pool, rows, 2 * length, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) layer_norm_row(a.in(0) + i * length, scale, shift, epsilon, a.out() + i * length, length);
    });
  });
}

std::string declines_batch_norm(const KernelRequest& request) {
  if (std::string why = declines_f32(request); !why.empty()) return why;
  for (size_t i = 1; i < 5; ++i) {
    if (request.constant(i) == nullptr) return "its statistics are computed";
  }
  return "";
}

// scale' = scale / √(var + epsilon), shift' = B - mean · scale', by channel; 0 for the channels that a block has beyond them.
struct ScaleShift {
  std::vector<float> scale, shift;
  explicit ScaleShift(const KernelRequest& request) {
    const auto of = [&](size_t i, size_t c) { return static_cast<double>(request.constant(i)->data<float>()[c]); };
    const auto channels = static_cast<size_t>(request.input_shape(0)[1]);
    scale.resize(divide_up(channels, kBlock) * kBlock);
    shift.resize(scale.size());
    for (size_t c = 0; c < channels; ++c) {
      const double factor = of(1, c) / std::sqrt(of(4, c) + request.node.get<EpsilonParams>().epsilon);
      scale[c] = static_cast<float>(factor);
      shift[c] = static_cast<float>(of(2, c) - of(3, c) * factor);
    }
  }
};

std::unique_ptr<Kernel> make_batch_norm(const KernelRequest& request) {
  const Shape& x = request.input_shape(0);
  const int64_t images = x[0], channels = x[1], pixels = element_count(std::span(x).subspan(2));
  const int64_t blocks = divide_up(channels, kBlock);
  ScaleShift factors(request);
  if (request.layout == Layout::blocked) {
    return make_kernel([=, f = std::move(factors)](const KernelArguments& a) {
      parallel_for(a.pool, images * blocks, pixels * kBlock, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t channel = i % blocks * kBlock, at = i * pixels * kBlock;
          scale_shift_groups(a.in(0) + at, f.scale.data() + channel, f.shift.data() + channel, kBlock, a.out() + at, pixels);
        }
      });
    }, true);
  }
  return make_kernel([=, f = std::move(factors)](const KernelArguments& a) {
    if (pixels == 1) return scale_shift_groups(a.in(0), f.scale.data(), f.shift.data(), channels, a.out(), images);
    parallel_for(a.pool, images * channels, pixels, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto channel = static_cast<size_t>(i % channels);
        scale_shift(a.in(0) + i * pixels, f.scale[channel], f.shift[channel], a.out() + i * pixels, pixels);
      }
    });
  }, true);
}

}  // namespace

std::span<const Implementation> softmax_implementations() {
  static const Implementation rows[] = {{"softmax", Layout::plain, Layout::plain, declines_f32, make_softmax<false>}};
  return rows;
}

std::span<const Implementation> log_softmax_implementations() {
  static const Implementation rows[] = {{"log_softmax", Layout::plain, Layout::plain, declines_f32, make_softmax<true>}};
  return rows;
}

std::span<const Implementation> layer_norm_implementations() {
  static const Implementation rows[] = {{"layer_norm", Layout::plain, Layout::plain, declines_layer_norm, make_layer_norm}};
  return rows;
}

std::span<const Implementation> batch_norm_implementations() {
  static const Implementation rows[] = {{"batch_norm", Layout::any, Layout::any, declines_batch_norm, make_batch_norm}};
  return rows;
}

}  // namespace ropeway::cpu
