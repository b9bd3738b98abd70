// Convolution: direct, as a matrix product over offset tables, and depthwise.
#include <algorithm>
#include <limits>

#include "base/buffer.h"
#include "base/text.h"
#include "cpu/activation.h"
#include "cpu/implementations.h"
#include "cpu/kernels/depthwise.h"
#include "cpu/kernels/matmul.h"
#include "cpu/spatial.h"

namespace ropeway::cpu {
namespace {

// A convolution's sizes; one-dimensional ones have height 1.
struct Geometry {
  int64_t images, channels, outputs, groups;
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int64_t out_h, out_w;
  Padding padding;

  Geometry(const KernelRequest& request, Layout layout) {
    const auto& params = request.node.get<ConvParams>();
    const Shape& in = request.input_shape(0);
    const Shape& weight = request.input_shape(1);
    const Shape& out = request.output_shape();
    const size_t n = in.size() - 2;
    const auto two = [n](const Ints& values, size_t i) { return n == 2 ? values[i] : i == 0 ? 1 : values[0]; };
    images = in[0], channels = in[1], outputs = out[1], groups = params.group;
    kernel_h = n == 2 ? weight[2] : 1, kernel_w = weight.back();
    stride_h = two(params.strides, 0), stride_w = two(params.strides, 1);
    dilation_h = two(params.dilations, 0), dilation_w = two(params.dilations, 1);
    out_h = n == 2 ? out[2] : 1, out_w = out.back();
    padding.height = n == 2 ? in[2] : 1, padding.width = in.back();
    padding.top = n == 2 ? params.pads[0] : 0, padding.left = params.pads[n - 1];
    padding.bottom = n == 2 ? params.pads[2] : 0, padding.right = params.pads.back();
    padding.pixel = layout == Layout::blocked ? kBlock : 1;
    padding.planes = images * planes(channels);
  }

  int64_t taps() const { return kernel_h * kernel_w; }
  int64_t pixels() const { return out_h * out_w; }
  bool blocked() const { return padding.pixel == kBlock; }
  int64_t planes(int64_t count) const { return blocked() ? (count + kBlock - 1) / kBlock : count; }
  int64_t plane_floats() const { return padding.padded_height() * padding.padded_width() * padding.pixel; }
  int64_t image_floats() const { return planes(channels) * plane_floats(); }
  // Offset of channel c under tap (y, x), from the top left of the padded image.
  int64_t offset(int64_t c, int64_t y, int64_t x) const {
    const int64_t pixel = (y * dilation_h * padding.padded_width() + x * dilation_w) * padding.pixel;
    return blocked() ? c / kBlock * plane_floats() + pixel + c % kBlock : c * plane_floats() + pixel;
  }
};

std::string declines_common(const KernelRequest& request) {
  if (!request.all_f32()) return "it computes in f32 only";
  const size_t rank = request.input_shape(0).size();
  if (rank != 3 && rank != 4) return "it has one or two spatial dimensions";
  if (request.constant(1) == nullptr || (request.node.input(2) != kNoValue && request.constant(2) == nullptr)) return "its weights are packed beforehand, but these are computed";
  if (element_count(request.output_shape()) == 0) return "it has nothing to compute";
  // What a residual has beyond its channels is finite, but need not stay so.
  if (request.fusion.round_f16 && request.fusion.residual != kNoValue && request.output_shape()[1] % kBlock != 0) return "it rounds a residual's channels in whole blocks only";
  if (std::any_of(request.node.get<ConvParams>().pads.begin(), request.node.get<ConvParams>().pads.end(), [](int64_t pad) { return pad < 0; })) return "negative padding";
  if (Geometry(request, Layout::blocked).image_floats() > std::numeric_limits<int32_t>::max()) return "an image of more than 2^31 elements";
  return "";
}

std::vector<float> padded_bias(const KernelRequest& request, int64_t outputs) {
  std::vector<float> bias(static_cast<size_t>((outputs + kPanelColumns - 1) / kPanelColumns * kPanelColumns), 0.0f);
  if (const Tensor* given = request.constant(2)) std::copy(given->data<float>().begin(), given->data<float>().end(), bias.begin());
  return bias;
}

// Each panel of up to 32 output channels is a matrix product of depth channels × taps. With groups, a panel reads the channels of the groups that it touches;
// its weights for other groups' channels are zero. Any grouping is served so, the usual ones without waste.
class DirectConv final : public Kernel {
 public:
  explicit DirectConv(const KernelRequest& request) : geometry_(request, request.layout), activation_(request.fusion), bias_(padded_bias(request, geometry_.outputs)) {
    const Geometry& g = geometry_;
    for (int64_t y = 0; y < g.out_h; ++y) {
      for (int64_t x = 0; x < g.out_w; ++x) {
        row_offsets_.push_back(static_cast<int32_t>((y * g.stride_h * g.padding.padded_width() + x * g.stride_w) * g.padding.pixel));
      }
    }
    size_t floats = 0;
    for (int64_t first = 0; first < g.outputs; first += kPanelColumns) {
      panels_.push_back(describe(first));
      panels_.back().weights = floats;
      floats += static_cast<size_t>(panels_.back().depth * panels_.back().blocks * kBlockColumns);
    }
    packed_floats_ = floats;
    packed_ = allocate_buffer(floats * sizeof(float));
    const float* weights = request.constant(1)->data<float>().data();
    for (PanelInfo& panel : panels_) pack(panel, weights);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    const Geometry& g = geometry_;
    const auto* in = static_cast<const float*>(inputs[0]);
    const auto* residual = inputs.size() > residual_index_ ? static_cast<const float*>(inputs[residual_index_]) : nullptr;
    auto* out = static_cast<float*>(outputs[0]);
    if (!g.padding.none()) {
      auto* padded = reinterpret_cast<float*>(scratch);
      pad_images(g.padding, in, padded, pool);
      in = padded;
    }
    const int64_t chunks = (g.pixels() + kChunk - 1) / kChunk;
    const auto panels = static_cast<int64_t>(panels_.size());
    pool.run(g.images * panels * chunks, [&](int64_t task, int) {
      const int64_t chunk = task % chunks, panel = task / chunks % panels, image = task / chunks / panels;
      compute(panels_[static_cast<size_t>(panel)], panel, chunk, image, in, residual, out);
    });
  }

  size_t scratch_bytes() const override { return geometry_.padding.none() ? 0 : geometry_.padding.padded_floats() * sizeof(float); }
  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return packed_floats_ * sizeof(float); }

 private:
  struct PanelInfo {
    int64_t first_output = 0, outputs = 0;  // channels
    int64_t first_input = 0, inputs = 0;
    int blocks = 1;
    int64_t depth = 0;
    size_t weights = 0;  // offset in packed_
    std::shared_ptr<std::vector<int32_t>> k_offsets;
  };
  // Pixels of a task: some hundred microseconds of work, so that two threads end together.
  static constexpr int64_t kChunk = 196;
  static constexpr size_t residual_index_ = 3;

  PanelInfo describe(int64_t first) const {
    const Geometry& g = geometry_;
    const int64_t out_per_group = g.outputs / g.groups, in_per_group = g.channels / g.groups;
    PanelInfo panel;
    panel.first_output = first;
    panel.outputs = std::min(kPanelColumns, g.outputs - first);
    panel.blocks = panel.outputs > kBlockColumns ? 2 : 1;
    panel.first_input = first / out_per_group * in_per_group;
    panel.inputs = ((first + panel.outputs - 1) / out_per_group + 1) * in_per_group - panel.first_input;
    panel.depth = panel.inputs * g.taps();
    if (g.groups == 1 && !panels_.empty()) {
      panel.k_offsets = panels_.front().k_offsets;
      return panel;
    }
    panel.k_offsets = std::make_shared<std::vector<int32_t>>();
    for (int64_t y = 0; y < g.kernel_h; ++y) {
      for (int64_t x = 0; x < g.kernel_w; ++x) {
        for (int64_t c = 0; c < panel.inputs; ++c) panel.k_offsets->push_back(static_cast<int32_t>(g.offset(panel.first_input + c, y, x)));
      }
    }
    return panel;
  }

  void pack(const PanelInfo& panel, const float* weights) {
    const Geometry& g = geometry_;
    const int64_t out_per_group = g.outputs / g.groups, in_per_group = g.channels / g.groups;
    const int64_t width = panel.blocks * kBlockColumns;
    float* to = packed() + panel.weights;
    std::fill(to, to + panel.depth * width, 0.0f);
    for (int64_t o = 0; o < panel.outputs; ++o) {
      const int64_t output = panel.first_output + o;
      const int64_t group_input = output / out_per_group * in_per_group - panel.first_input;
      const float* from = weights + output * in_per_group * g.taps();
      for (int64_t c = 0; c < in_per_group; ++c) {
        for (int64_t tap = 0; tap < g.taps(); ++tap) to[(tap * panel.inputs + group_input + c) * width + o] = from[c * g.taps() + tap];
      }
    }
  }

  void compute(const PanelInfo& info, int64_t index, int64_t chunk, int64_t image, const float* in, const float* residual, float* out) const {
    const Geometry& g = geometry_;
    const int64_t begin = chunk * kChunk;
    const int64_t out_blocks = (g.outputs + kBlock - 1) / kBlock;
    const int64_t at = ((image * out_blocks + index * 2) * g.pixels() + begin) * kBlock;
    Panel panel;
    panel.a = in + image * g.image_floats();
    panel.row_offsets = row_offsets_.data() + begin;
    panel.k_offsets = info.k_offsets->data();
    panel.rows = std::min(kChunk, g.pixels() - begin);
    panel.depth = info.depth;
    panel.b = packed() + info.weights;
    panel.blocks = info.blocks;
    panel.c = out + at;
    panel.c_row_stride = kBlock;
    panel.c_block_stride = g.pixels() * kBlock;
    panel.columns = info.blocks * kBlockColumns;
    panel.bias = bias_.data() + info.first_output;
    panel.residual = residual == nullptr ? nullptr : residual + at;
    panel.low = activation_.low;
    panel.high = activation_.high;
    multiply_panel(panel);
    for (int block = 0; block < info.blocks; ++block) activation_.finish(panel.c + block * panel.c_block_stride, panel.rows * kBlock);
  }

  float* packed() const { return reinterpret_cast<float*>(packed_.get()); }

  Geometry geometry_;
  Activation activation_;
  std::vector<float> bias_;
  std::vector<int32_t> row_offsets_;
  std::vector<PanelInfo> panels_;
  std::shared_ptr<std::byte> packed_;
  size_t packed_floats_ = 0;
};

class DepthwiseConv final : public Kernel {
 public:
  explicit DepthwiseConv(const KernelRequest& request) : geometry_(request, Layout::blocked), activation_(request.fusion), bias_(padded_bias(request, geometry_.outputs)) {
    const Geometry& g = geometry_;
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
    const Geometry& g = geometry_;
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
  Geometry geometry_;
  Activation activation_;
  std::vector<float> bias_, weights_;
  std::vector<int32_t> tap_offsets_;
};

std::string declines_depthwise(const KernelRequest& request) {
  if (std::string why = declines_common(request); !why.empty()) return why;
  const Shape& in = request.input_shape(0);
  const auto& params = request.node.get<ConvParams>();
  return params.group == in[1] && request.output_shape()[1] == in[1] && params.group > 1 ? "" : "not one filter per channel";
}

}  // namespace

std::span<const Implementation> conv_implementations() {
  static const Implementation rows[] = {
      {"conv.depthwise", Layout::blocked, Layout::blocked, declines_depthwise, [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<DepthwiseConv>(request); }},
      {"conv.direct", Layout::any, Layout::blocked, declines_common, [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<DirectConv>(request); }},
  };
  return rows;
}

}  // namespace ropeway::cpu
