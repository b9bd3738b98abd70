// Convolution with one filter per channel.
#include "cpu/activation.h"
#include "cpu/conv_geometry.h"
#include "cpu/implementations.h"
#include "cpu/kernels/depthwise.h"

namespace ropeway::cpu {
namespace {

class DepthwiseConv final : public Kernel {
 public:
  explicit DepthwiseConv(const KernelRequest& request) : geometry_(request, Layout::blocked), activation_(request.fusion), bias_(conv_bias(request, geometry_.outputs)) {
    const ConvGeometry& g = geometry_;
    const float* from = request.constant(1)->data<float>().data();
    weights_.assign(static_cast<size_t>(g.planes(g.channels) * g.taps() * kBlock), 0.0f);
    for (int64_t c = 0; c < g.channels; ++c) {
      for (int64_t tap = 0; tap < g.taps(); ++tap) weights_[static_cast<size_t>((c / kBlock * g.taps() + tap) * kBlock + c % kBlock)] = from[c * g.taps() + tap];
    }
    for (int64_t y = 0; y < g.kernel_h; ++y) {
      for (int64_t x = 0; x < g.kernel_w; ++x) tap_offsets_.push_back(static_cast<int32_t>(g.offset(0, y, x)));
    }
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    const ConvGeometry& g = geometry_;
    const auto* in = static_cast<const float*>(inputs[0]);
    const auto* residual = inputs.size() > 3 ? static_cast<const float*>(inputs[3]) : nullptr;
    auto* out = static_cast<float*>(outputs[0]);
    if (!g.padding.none()) {
      auto* padded = reinterpret_cast<float*>(scratch);
      pad_images(g.padding, in, padded, pool);
      in = padded;
    }
    const int64_t blocks = g.planes(g.channels);
    pool.run(g.images * blocks, [&](int64_t plane, int) {
      const int64_t block = plane % blocks;
      DepthwiseRow row;
      row.weights = weights_.data() + block * g.taps() * kBlock;
      row.tap_offsets = tap_offsets_.data();
      row.taps = g.taps();
      row.pixels = g.out_w;
      row.pixel_stride = g.stride_w * kBlock;
      row.bias = bias_.data() + block * kBlock;
      row.low = activation_.low;
      row.high = activation_.high;
      for (int64_t y = 0; y < g.out_h; ++y) {
        const int64_t at = (plane * g.out_h + y) * g.out_w * kBlock;
        row.in = in + plane * g.plane_floats() + y * g.stride_h * g.padding.padded_width() * kBlock;
        row.residual = residual == nullptr ? nullptr : residual + at;
        row.out = out + at;
        depthwise_row(row);
      }
      activation_.finish(out + plane * g.pixels() * kBlock, g.pixels() * kBlock);
    });
  }

  size_t scratch_bytes() const override { return geometry_.padding.none() ? 0 : geometry_.padding.padded_floats() * sizeof(float); }
  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return weights_.size() * sizeof(float); }

 private:
  ConvGeometry geometry_;
  Activation activation_;
  std::vector<float> bias_, weights_;
  std::vector<int32_t> tap_offsets_;
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
