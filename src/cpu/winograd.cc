// Winograd convolution: stride 1, square filters of 3 to 5 taps.
#include <algorithm>

#include "base/text.h"
#include "cpu/activation.h"
#include "cpu/conv_geometry.h"
#include "cpu/half_weights.h"
#include "cpu/implementations.h"
#include "cpu/kernels/matmul.h"
#include "cpu/kernels/winograd.h"
#include "cpu/packed_weights.h"
#include "cpu/winograd.h"

namespace ropeway::cpu {
namespace {

// For each point of the tiles, a product of [tiles, channels] by [channels, outputs]. It is done for a batch of tiles at a time, so that what is between the transforms
// stays in the second-level cache, and for 32 outputs at a time: their products, then the way back.
class WinogradConv final : public Kernel {
 public:
  WinogradConv(const KernelRequest& request, const ConvGeometry& geometry, const float* weights, WinogradForm form, bool half)
      : geometry_(geometry), activation_(request.fusion), bias_(padded_bias(request.constant(2), geometry_.outputs)), form_(form), points_(winograd_sizes(form).points()), threads_(request.threads()) {
    const ConvGeometry& g = geometry_;
    const int64_t m = winograd_sizes(form).outputs;
    in_blocks_ = divide_up(g.channels, kBlock), out_blocks_ = divide_up(g.outputs, kBlock), panels_ = divide_up(g.outputs, kPanelColumns);
    in_ = {g.padding.height, g.padding.width, g.padding.height * g.padding.width * kBlock, 0, divide_up(g.out_h, m), divide_up(g.out_w, m)};
    in_.image_stride = in_blocks_ * in_.plane_stride;
    out_ = {g.out_h, g.out_w, g.pixels() * kBlock, out_blocks_ * g.pixels() * kBlock, in_.tiles_down, in_.tiles_across};
    tiles_ = g.images * in_.tiles_down * in_.tiles_across;
    batches_ = divide_up(tiles_, kMaxTiles);
    // A batch for each thread, or several, unless these would be so small that the weights are read for little.
    if (batches_ > 1 && tiles_ >= kMinTiles * threads_) batches_ = divide_up(batches_, threads_) * threads_;
    std::vector<int64_t> sizes;
    for (int64_t panel = 0; panel < panels_; ++panel) sizes.push_back(points_ * g.channels * panel_blocks(panel) * kBlockColumns);
    packed_ = PackedWeights(sizes, half, *request.pool, [&](int64_t panel, float* to) { pack_panel(panel, weights, to); });
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    const Run run{static_cast<const float*>(inputs[0]), inputs.size() > 3 ? static_cast<const float*>(inputs[3]) : nullptr, static_cast<float*>(outputs[0])};
    auto* const memory = reinterpret_cast<float*>(scratch);
    if (threads_split_batches()) {
      pool.run(batches_, [&](int64_t batch, int worker) {
        float* const transformed = memory + worker * (input_floats() + output_floats());
        transform(run, batch, 0, in_blocks_, transformed);
        for (int64_t panel = 0; panel < panels_; ++panel) compute(run, batch, panel, transformed, transformed + input_floats());
      });
    } else {
      for (int64_t batch = 0; batch < batches_; ++batch) {
        pool.run(in_blocks_, [&](int64_t block, int) { transform(run, batch, block, block + 1, memory); });
        pool.run(panels_, [&](int64_t panel, int worker) { compute(run, batch, panel, memory, memory + input_floats() + worker * output_floats()); });
      }
    }
    if (activation_.function) pool.run(geometry_.images * out_blocks_, [&](int64_t plane, int) { activation_.finish(run.out + plane * out_.plane_stride, out_.plane_stride); });
  }

  size_t scratch_bytes() const override { return static_cast<size_t>((threads_split_batches() ? threads_ : 1) * input_floats() + threads_ * output_floats()) * sizeof(float); }
  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return packed_.bytes(); }
  size_t half_weight_bytes() const override { return packed_.half_bytes(); }

 private:
  struct Run {
    const float* in;
    const float* residual;
    float* out;
  };
  static constexpr int64_t kMaxTiles = 32, kMinTiles = 8;
  // Between points: a cache line more than their elements, so that the points of a tile do not all fall into the same sets of the cache.
  static constexpr int64_t kPad = 16;

  int64_t first_tile(int64_t batch) const { return tiles_ * batch / batches_; }
  int64_t largest_batch() const { return divide_up(tiles_, batches_); }
  int64_t input_stride(int64_t tiles) const { return in_blocks_ * tiles * kBlock + kPad; }
  static int64_t output_stride(int64_t tiles) { return kPanelColumns * tiles + kPad; }
  int64_t input_floats() const { return points_ * input_stride(largest_batch()); }
  int64_t output_floats() const { return points_ * output_stride(largest_batch()); }
  // Else all of them work on one batch, by panels.
  bool threads_split_batches() const { return batches_ >= threads_; }
  int64_t panel_blocks(int64_t panel) const { return std::min<int64_t>(2, out_blocks_ - panel * 2); }

  // Each panel lies as [point][block][channel][16].
  void pack_panel(int64_t panel, const float* weights, float* to) const {
    const ConvGeometry& g = geometry_;
    const int64_t width = panel_blocks(panel) * kBlockColumns;
    for (int64_t column = 0; column < width; column += kBlock) {
      const int64_t first = panel * kPanelColumns + column;
      const int64_t outputs = std::min(kBlock, g.outputs - first);
      alignas(64) float taps[25 * kBlock] = {};
      for (int64_t c = 0; c < g.channels; ++c) {
        for (int64_t o = 0; o < outputs; ++o) {
          const float* from = weights + ((first + o) * g.channels + c) * g.taps();
          for (int64_t tap = 0; tap < g.taps(); ++tap) taps[tap * kBlock + o] = from[tap];
        }
        winograd_filter(form_, taps, to + block_offset(g.channels, column) + c * kBlock, g.channels * width);
      }
    }
  }

  void transform(const Run& run, int64_t batch, int64_t first_block, int64_t last_block, float* to) const {
    WinogradInput input;
    input.images = in_;
    input.from = run.in;
    input.top = geometry_.padding.top, input.left = geometry_.padding.left;
    input.first = first_tile(batch), input.count = first_tile(batch + 1) - input.first;
    input.first_block = first_block, input.last_block = last_block;
    input.to = to;
    input.point_stride = input_stride(input.count);
    winograd_input(form_, input);
  }

  void compute(const Run& run, int64_t batch, int64_t panel, const float* transformed, float* products) const {
    const ConvGeometry& g = geometry_;
    const int64_t first = first_tile(batch), count = first_tile(batch + 1) - first;
    Panel product;
    product.rows = count;
    product.depth = g.channels;
    product.a_block_stride = count * kBlock;
    product.columns = panel_blocks(panel) * kBlockColumns;
    product.c_row_stride = kBlock;
    product.c_block_stride = count * kBlock;
    for (int64_t point = 0; point < points_; ++point) {
      product.a = transformed + point * input_stride(count);
      packed_.put_into(product, panel, point * g.channels * product.columns);
      product.c = products + point * output_stride(count);
      multiply_panel(product);
    }
    WinogradOutput output;
    output.images = out_;
    output.from = products;
    output.point_stride = output_stride(count);
    output.first = first, output.count = count;
    output.blocks = panel_blocks(panel);
    output.bias = bias_.data() + panel * kPanelColumns;
    const int64_t at = panel * 2 * out_.plane_stride;
    output.residual = run.residual == nullptr ? nullptr : run.residual + at;
    output.to = run.out + at;
    output.low = activation_.low, output.high = activation_.high;
    winograd_output(form_, output);
  }

  ConvGeometry geometry_;
  Activation activation_;
  std::vector<float> bias_;
  WinogradForm form_;
  int64_t points_, threads_;
  int64_t in_blocks_ = 0, out_blocks_ = 0, panels_ = 0;
  WinogradImages in_, out_;
  int64_t tiles_ = 0, batches_ = 1;
  PackedWeights packed_;
};

}  // namespace

double winograd_growth(WinogradForm form) {
  const WinogradSizes sizes = winograd_sizes(form);
  return static_cast<double>(sizes.points()) / static_cast<double>(sizes.taps * sizes.taps);
}

std::string declines_growth(const KernelRequest& request, double growth) {
  return growth > request.weight_growth ? fmt::format("it would make {:.2g} times as many of the weights, more than --weight-growth leaves for this convolution", growth) : "";
}

std::unique_ptr<Kernel> make_winograd_conv(const KernelRequest& request, const ConvGeometry& geometry, const float* weights, WinogradForm form, bool half) {
  return std::make_unique<WinogradConv>(request, geometry, weights, form, half);
}

namespace {

std::string declines_winograd(const KernelRequest& request, WinogradForm form) {
  if (std::string why = declines_any_conv(request); !why.empty()) return why;
  const ConvGeometry g(request, Layout::blocked);
  const auto [m, r] = winograd_sizes(form);
  if (g.groups != 1) return "groups";
  if (g.stride_h != 1 || g.stride_w != 1 || g.dilation_h != 1 || g.dilation_w != 1) return "stride or dilation";
  if (g.kernel_h != r || g.kernel_w != r) return fmt::format("its filters have {}x{} taps", r, r);
  if (g.channels < kBlock) return "too few channels";
  // Most of what such tiles compute lies beyond the image: outputs are small, the rounding is that of the whole tile.
  if (r == 5 && (g.out_h < m || g.out_w < m)) return "an output smaller than a tile";
  if (request.fusion.round_f16) return "it rounds nothing";
  return declines_growth(request, winograd_growth(form));
}

// Where transformed weights come from memory at each run and each serves a few tiles only, the smaller form's, which are fewer, are there sooner.
std::string declines_f4x3(const KernelRequest& request) {
  if (std::string why = declines_winograd(request, WinogradForm::f4x3); !why.empty()) return why;
  constexpr int64_t kFewTiles = 8;  // a weight is waited for longer than it is computed with
  constexpr double kStreams = 8e6;  // bytes that no cache of a core holds
  const ConvGeometry g(request, Layout::blocked);
  const int64_t tiles = g.images * divide_up(g.out_h, 4) * divide_up(g.out_w, 4);
  const double bytes = 4.0 * winograd_growth(WinogradForm::f4x3) * static_cast<double>(g.channels * g.outputs * g.taps());
  return tiles < kFewTiles && bytes > kStreams ? fmt::format("{} of transformed weights for {} tiles would stream from memory", readable_bytes(bytes), tiles) : "";
}

template <WinogradForm kForm>
std::string declines_form(const KernelRequest& request) {
  return declines_winograd(request, kForm);
}

template <WinogradForm kForm>
std::unique_ptr<Kernel> make_winograd(const KernelRequest& request) {
  // Rounded to 16 bits, the weights of the larger forms would cost 1e-3 of the largest value and more; these cost 3e-4.
  const Tensor& weights = *request.constant(1);
  const bool half = kForm == WinogradForm::f2x3 && declines_half(request, weights).empty();
  return make_winograd_conv(request, ConvGeometry(request, Layout::blocked), weights.data<float>().data(), kForm, half);
}

template <WinogradForm kForm>
double growth(const KernelRequest&) {
  return winograd_growth(kForm);
}

}  // namespace

std::vector<Implementation> winograd_implementations() {
  constexpr WinogradForm f4x3 = WinogradForm::f4x3, f2x3 = WinogradForm::f2x3, f3x5 = WinogradForm::f3x5;
  return {{"conv.winograd_f4x3", Layout::blocked, Layout::blocked, declines_f4x3, make_winograd<f4x3>, false, growth<f4x3>},
          {"conv.winograd_f2x3", Layout::blocked, Layout::blocked, declines_form<f2x3>, make_winograd<f2x3>, false, growth<f2x3>},
          {"conv.winograd_f3x5", Layout::blocked, Layout::blocked, declines_form<f3x5>, make_winograd<f3x5>, false, growth<f3x5>}};
}

}  // namespace ropeway::cpu
