// Convolution to a few channels, on plain images: blocks of 16 channels would be more than half empty.
#include <algorithm>

#include "cpu/activation.h"
#include "cpu/conv_geometry.h"
#include "cpu/implementations.h"
#include "cpu/kernels/planar.h"
#include "cpu/packed_weights.h"

namespace ropeway::cpu {
namespace {

class PlanarConv final : public Kernel {
 public:
  explicit PlanarConv(const KernelRequest& request) : geometry_(request, Layout::plain), activation_(request.fusion), bias_(padded_bias(request.constant(2), geometry_.outputs)) {
    const ConvGeometry& g = geometry_;
    for (int64_t c = 0; c < g.channels; ++c) {
      for (int64_t y = 0; y < g.kernel_h; ++y) {
        for (int64_t x = 0; x < g.kernel_w; ++x) tap_offsets_.push_back(static_cast<int32_t>(g.offset(c, y, x)));
      }
    }
    passes_ = divide_up(g.outputs, kMaxPlanarOutputs);
    const float* from = request.constant(1)->data<float>().data();
    const auto taps = static_cast<int64_t>(tap_offsets_.size());
    for (int64_t pass = 0; pass < passes_; ++pass) {
      for (int64_t k = 0; k < taps; ++k) {
        for (int64_t o = first(pass); o < first(pass + 1); ++o) weights_.push_back(from[o * taps + k]);
      }
    }
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    const ConvGeometry& g = geometry_;
    const auto* residual = inputs.size() > 3 ? static_cast<const float*>(inputs[3]) : nullptr;
    auto* const out = static_cast<float*>(outputs[0]);
    auto* const padded = reinterpret_cast<float*>(scratch);
    pad_images(g.padding, static_cast<const float*>(inputs[0]), padded, pool);
    const auto taps = static_cast<int64_t>(tap_offsets_.size());
    pool.run(g.images * g.out_h, [&](int64_t task, int) {
      const int64_t image = task / g.out_h, y = task % g.out_h;
      PlanarRow row;
      row.in = padded + image * g.image_floats() + y * g.stride_h * g.padding.padded_width();
      row.tap_offsets = tap_offsets_.data();
      row.taps = taps;
      row.pixels = g.out_w;
      row.plane_stride = g.pixels();
      row.low = activation_.low, row.high = activation_.high;
      for (int64_t pass = 0; pass < passes_; ++pass) {
        const int64_t o = first(pass), at = (image * g.outputs + o) * g.pixels() + y * g.out_w;
        row.outputs = static_cast<int>(first(pass + 1) - o);
        row.weights = weights_.data() + o * taps;
        row.bias = bias_.data() + o;
        row.residual = residual == nullptr ? nullptr : residual + at;
        row.out = out + at;
        planar_row(row);
        for (int i = 0; i < row.outputs; ++i) activation_.finish(row.out + i * row.plane_stride, row.pixels);
      }
    });
  }

  // With what the last vectors of the last row read beyond it.
  size_t scratch_bytes() const override { return (geometry_.padding.padded_floats() + 64) * sizeof(float); }
  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return weights_.size() * sizeof(float); }

 private:
  // Output channels of a pass: as many as the next one's, or one more.
  int64_t first(int64_t pass) const { return geometry_.outputs * pass / passes_; }

  ConvGeometry geometry_;
  Activation activation_;
  std::vector<float> bias_, weights_;
  std::vector<int32_t> tap_offsets_;
  int64_t passes_ = 1;
};

std::string declines_planar(const KernelRequest& request) {
  if (std::string why = declines_any_conv(request); !why.empty()) return why;
  const ConvGeometry g(request, Layout::plain);
  if (g.groups != 1) return "groups";
  if (g.stride_w != 1) return "stride";
  if (g.outputs > kBlock / 2) return "more output channels than half a block";
  return "";
}

}  // namespace

Implementation planar_implementation() {
  return {"conv.planar", Layout::plain, Layout::plain, declines_planar, [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<PlanarConv>(request); }};
}

}  // namespace ropeway::cpu
