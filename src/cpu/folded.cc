// Convolution with a stride, of an image of few channels: the stem of many networks.
#include <algorithm>

#include "cpu/implementations.h"
#include "cpu/winograd.h"

namespace ropeway::cpu {
namespace {

// A stride of s is none on an image whose pixels are s × s pixels of the given one: s · s times the channels, filters of ⌈taps / s⌉ taps in each dimension. Worth it where the
// channels are few.
class FoldedConv final : public Kernel {
 public:
  explicit FoldedConv(const KernelRequest& request) : given_(request, Layout::plain), folded_(fold(given_)), inner_(make_winograd_conv(request, folded_, fold_weights(request).data(), form_of(folded_), false)) {}

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    auto* image = reinterpret_cast<float*>(scratch);
    fold_image(static_cast<const float*>(inputs[0]), image, pool);
    const void* inner_inputs[] = {image, nullptr, nullptr, inputs.size() > 3 ? inputs[3] : nullptr};
    inner_->run({inner_inputs, inputs.size()}, outputs, scratch + image_bytes(), pool);
  }

  size_t scratch_bytes() const override { return image_bytes() + inner_->scratch_bytes(); }
  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return inner_->weight_bytes(); }

  static std::string declines(const KernelRequest& request) {
    if (std::string why = declines_any_conv(request); !why.empty()) return why;
    const ConvGeometry g(request, Layout::plain);
    if (g.groups != 1 || g.dilation_h != 1 || g.dilation_w != 1) return "groups or dilation";
    if (g.stride_h != g.stride_w || g.stride_h == 1 || g.kernel_h != g.kernel_w) return "it folds one stride greater than 1 in both dimensions";
    if (g.channels > 4) return "many channels";
    const int64_t taps = divide_up(g.kernel_h, g.stride_h);
    if (taps < 3 || taps > 5) return "its filters have 3 to 5 taps when the stride is folded";
    if (request.fusion.round_f16) return "it rounds nothing";
    return declines_growth(request, growth(request));
  }

  static double growth(const KernelRequest& request) {
    const ConvGeometry given(request, Layout::plain), folded = fold(given);
    return winograd_growth(form_of(folded)) * static_cast<double>(folded.channels * folded.taps()) / static_cast<double>(given.channels * given.taps());
  }

 private:
  static WinogradForm form_of(const ConvGeometry& folded) { return folded.kernel_h == 3 ? WinogradForm::f4x3 : folded.kernel_h == 4 ? WinogradForm::f4x4 : WinogradForm::f3x5; }

  static ConvGeometry fold(const ConvGeometry& given) {
    ConvGeometry g = given;
    g.channels = given.channels * given.stride_h * given.stride_w;
    g.kernel_h = g.kernel_w = divide_up(given.kernel_h, given.stride_h);
    g.stride_h = g.stride_w = 1;
    g.padding = {};
    g.padding.height = g.out_h + g.kernel_h - 1, g.padding.width = g.out_w + g.kernel_w - 1;
    g.padding.pixel = kBlock;
    g.padding.planes = g.images * g.planes(g.channels);
    return g;
  }

  // Channel (c · s + y) · s + x has the taps at (y, x) modulo s.
  std::vector<float> fold_weights(const KernelRequest& request) const {
    const float* from = request.constant(1)->data<float>().data();
    const int64_t s = given_.stride_h, taps = folded_.kernel_h;
    std::vector<float> to(static_cast<size_t>(folded_.outputs * folded_.channels * folded_.taps()), 0.0f);
    for (int64_t filter = 0; filter < given_.outputs * given_.channels; ++filter) {
      for (int64_t y = 0; y < given_.kernel_h; ++y) {
        for (int64_t x = 0; x < given_.kernel_w; ++x) {
          const int64_t channel = (filter * s + y % s) * s + x % s;
          to[static_cast<size_t>((channel * taps + y / s) * taps + x / s)] = *from++;
        }
      }
    }
    return to;
  }

  void fold_image(const float* from, float* to, ThreadPool& pool) const {
    const Padding &image = given_.padding, &folded = folded_.padding;
    const int64_t s = given_.stride_h, blocks = folded_.planes(folded_.channels);
    pool.run(given_.images * folded.height, [&](int64_t task, int) {
      const int64_t row = task % folded.height, n = task / folded.height;
      for (int64_t block = 0; block < blocks; ++block) {
        float* const out = to + ((n * blocks + block) * folded.height + row) * folded.width * kBlock;
        std::fill(out, out + folded.width * kBlock, 0.0f);
        for (int64_t c = block * kBlock; c < std::min(folded_.channels, (block + 1) * kBlock); ++c) {
          const int64_t y = row * s + c / s % s - image.top, x = c % s - image.left;
          if (y < 0 || y >= image.height) continue;
          const float* in = from + ((n * given_.channels + c / s / s) * image.height + y) * image.width + x;
          const int64_t begin = x < 0 ? divide_up(-x, s) : 0, end = std::min(folded.width, divide_up(image.width - x, s));
          for (int64_t i = begin; i < end; ++i) out[i * kBlock + c % kBlock] = in[i * s];
        }
      }
    });
  }

  size_t image_bytes() const { return divide_up(static_cast<int64_t>(folded_.padding.padded_floats()), kBlock) * kBlock * sizeof(float); }

  ConvGeometry given_, folded_;
  std::unique_ptr<Kernel> inner_;
};

}  // namespace

Implementation folded_implementation() {
  return {"conv.folded", Layout::plain, Layout::blocked, FoldedConv::declines, [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<FoldedConv>(request); }, false, FoldedConv::growth};
}

}  // namespace ropeway::cpu
