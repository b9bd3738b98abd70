// Convolution with one filter per channel.
#include "cpu/activation.h"
#include "cpu/conv_geometry.h"
#include "cpu/implementations.h"
#include "cpu/kernels/depthwise.h"
#include "cpu/packed_weights.h"
#include "cpu/parallel.h"

namespace ropeway::cpu {
namespace {

class DepthwiseConv final : public Kernel {
 public:
  explicit DepthwiseConv(const KernelRequest& request) : geometry_(request, Layout::blocked), activation_(request.fusion), bias_(padded_bias(request.constant(2), geometry_.outputs)) {
    const ConvGeometry& g = geometry_;
    const float* from = request.constant(1)->data<float>().data();
    weights_.assign(static_cast<size_t>(g.planes(g.channels) * g.taps() * kBlock), 0.0f);
    for (int64_t c = 0; c < g.channels; ++c) {
      for (int64_t tap = 0; tap < g.taps(); ++tap) weights_[static_cast<size_t>((c / kBlock * g.taps() + tap) * kBlock + c % kBlock)] = from[c * g.taps() + tap];
    }
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte*, ThreadPool& pool) const override {
    const auto* in = static_cast<const float*>(inputs[0]);
    const auto* residual = inputs.size() > 3 ? static_cast<const float*>(inputs[3]) : nullptr;
    auto* out = static_cast<float*>(outputs[0]);
    const int64_t planes = geometry_.images * geometry_.planes(geometry_.channels), rows = geometry_.out_h;
    parallel_for(pool, planes * rows, geometry_.out_w * geometry_.taps() * kBlock / 4, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) compute_row(i / rows, i % rows, in, residual, out);
    });
  }

  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return weights_.size() * sizeof(float); }

 private:
  // Row y of the output. The rows of taps that lie on the image are neighbours.
  void compute_row(int64_t plane, int64_t y, const float* in, const float* residual, float* out) const {
    const ConvGeometry& g = geometry_;
    const Padding& p = g.padding;
    const int64_t first = y * g.stride_h - p.top;
    int64_t begin = 0, end = g.kernel_h;
    while (begin < end && first + begin * g.dilation_h < 0) ++begin;
    while (begin < end && first + (end - 1) * g.dilation_h >= p.height) --end;
    const int64_t block = plane % g.planes(g.channels), at = (plane * g.out_h + y) * g.out_w * kBlock;
    DepthwiseRow row;
    row.in = begin == end ? in : in + (plane * p.height + first + begin * g.dilation_h) * p.width * kBlock;
    row.width = p.width;
    row.weights = weights_.data() + (block * g.kernel_h + begin) * g.kernel_w * kBlock;
    row.tap_rows = end - begin;
    row.tap_columns = g.kernel_w;
    row.tap_row_stride = g.dilation_h * p.width * kBlock;
    row.dilation = g.dilation_w;
    row.stride = g.stride_w;
    row.left = p.left;
    row.pixels = g.out_w;
    row.bias = bias_.data() + block * kBlock;
    row.residual = residual == nullptr ? nullptr : residual + at;
    row.out = out + at;
    row.low = activation_.low;
    row.high = activation_.high;
    depthwise_row(row);
    activation_.finish(row.out, g.out_w * kBlock);
  }

  ConvGeometry geometry_;
  Activation activation_;
  std::vector<float> bias_, weights_;
};

std::string declines_depthwise(const KernelRequest& request) {
  if (std::string why = declines_any_conv(request); !why.empty()) return why;
  const Shape& in = request.input_shape(0);
  const auto& params = request.node.get<ConvParams>();
  return params.group == in[1] && request.output_shape()[1] == in[1] && params.group > 1 ? "" : "not one filter per channel";
}

}  // namespace

Implementation depthwise_implementation() {
  return {"conv.depthwise", Layout::blocked, Layout::blocked, declines_depthwise, [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<DepthwiseConv>(request); }};
}

}  // namespace ropeway::cpu
