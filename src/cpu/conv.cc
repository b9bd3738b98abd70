// Convolution as a matrix product over offset tables.
#include <algorithm>

#include "cpu/activation.h"
#include "cpu/conv_geometry.h"
#include "cpu/half_weights.h"
#include "cpu/implementations.h"
#include "cpu/kernels/matmul.h"
#include "cpu/packed_weights.h"

namespace ropeway::cpu {
namespace {

// Channels that a panel of outputs reads: those of all groups that it touches.
int64_t inputs_of(const ConvGeometry& g, int64_t first_output, int64_t outputs) {
  const int64_t out_per_group = g.outputs / g.groups;
  return ((first_output + outputs - 1) / out_per_group - first_output / out_per_group + 1) * (g.channels / g.groups);
}

// Each panel of up to 32 output channels is a matrix product of depth channels × taps. With groups, a panel reads the channels of the groups that it touches;
// its weights for other groups' channels are zero. Any grouping is served so; groups of 32 channels and more without waste, those of 4 with 8 times the weights.
class DirectConv final : public Kernel {
 public:
  explicit DirectConv(const KernelRequest& request) : geometry_(request, request.layout), activation_(request.fusion), bias_(padded_bias(request.constant(2), geometry_.outputs)) {
    const ConvGeometry& g = geometry_;
    reads_whole_blocks_ = g.blocked() && g.groups == 1 && g.taps() == 1 && g.stride_h == 1 && g.stride_w == 1 && g.padding.none();
    for (int64_t y = 0; y < g.out_h; ++y) {
      for (int64_t x = 0; x < g.out_w; ++x) {
        row_offsets_.push_back(static_cast<int32_t>((y * g.stride_h * g.padding.padded_width() + x * g.stride_w) * g.padding.pixel));
      }
    }
    std::vector<int64_t> sizes;
    for (int64_t first = 0; first < g.outputs; first += kPanelColumns) {
      panels_.push_back(describe(first));
      sizes.push_back(packed_size(panels_.back().depth, panels_.back().outputs));
    }
    const Tensor& weights = *request.constant(1);
    const float* const from = weights.data<float>().data();
    packed_ = PackedWeights(sizes, declines_half(request, weights).empty(), *request.pool, [&](int64_t i, float* to) { pack(panels_[static_cast<size_t>(i)], from, to); });
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    const ConvGeometry& g = geometry_;
    const auto* in = static_cast<const float*>(inputs[0]);
    const auto* residual = inputs.size() > residual_index_ ? static_cast<const float*>(inputs[residual_index_]) : nullptr;
    auto* out = static_cast<float*>(outputs[0]);
    if (!g.padding.none()) {
      auto* padded = reinterpret_cast<float*>(scratch);
      pad_images(g.padding, in, padded, pool);
      in = padded;
    }
    const int64_t chunks = divide_up(g.pixels(), kChunk);
    const auto panels = static_cast<int64_t>(panels_.size());
    pool.run(g.images * panels * chunks, [&](int64_t task, int) {
      const int64_t chunk = task % chunks, panel = task / chunks % panels, image = task / chunks / panels;
      compute(panels_[static_cast<size_t>(panel)], panel, chunk, image, in, residual, out);
    });
  }

  size_t scratch_bytes() const override { return geometry_.padding.none() ? 0 : geometry_.padding.padded_floats() * sizeof(float); }
  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return packed_.bytes(); }
  size_t half_weight_bytes() const override { return packed_.half_bytes(); }

 private:
  struct PanelInfo {
    int64_t first_output = 0, outputs = 0;  // channels
    int64_t first_input = 0, inputs = 0;
    int blocks = 1;
    int64_t depth = 0;
    std::shared_ptr<std::vector<int32_t>> k_offsets;
  };
  // Pixels of a task: some hundred microseconds of work, so that two threads end together.
  static constexpr int64_t kChunk = 196;
  static constexpr size_t residual_index_ = 3;

  PanelInfo describe(int64_t first) const {
    const ConvGeometry& g = geometry_;
    const int64_t out_per_group = g.outputs / g.groups, in_per_group = g.channels / g.groups;
    PanelInfo panel;
    panel.first_output = first;
    panel.outputs = std::min(kPanelColumns, g.outputs - first);
    panel.blocks = panel.outputs > kBlockColumns ? 2 : 1;
    panel.first_input = first / out_per_group * in_per_group;
    panel.inputs = inputs_of(g, first, panel.outputs);
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

  void pack(const PanelInfo& panel, const float* weights, float* to) const {
    const ConvGeometry& g = geometry_;
    const int64_t out_per_group = g.outputs / g.groups, in_per_group = g.channels / g.groups;
    std::fill(to, to + packed_size(panel.depth, panel.outputs), 0.0f);
    for (int64_t o = 0; o < panel.outputs; ++o) {
      float* const column = to + block_offset(panel.depth, o / kBlockColumns * kBlockColumns) + o % kBlockColumns;
      const int64_t output = panel.first_output + o;
      const int64_t group_input = output / out_per_group * in_per_group - panel.first_input;
      const float* from = weights + output * in_per_group * g.taps();
      for (int64_t c = 0; c < in_per_group; ++c) {
        for (int64_t tap = 0; tap < g.taps(); ++tap) column[(tap * panel.inputs + group_input + c) * kBlockColumns] = from[c * g.taps() + tap];
      }
    }
  }

  void compute(const PanelInfo& info, int64_t index, int64_t chunk, int64_t image, const float* in, const float* residual, float* out) const {
    const ConvGeometry& g = geometry_;
    const int64_t begin = chunk * kChunk;
    const int64_t out_blocks = divide_up(g.outputs, kBlock);
    const int64_t at = ((image * out_blocks + index * 2) * g.pixels() + begin) * kBlock;
    Panel panel;
    panel.a = in + image * g.image_floats();
    if (reads_whole_blocks_) {
      panel.a += begin * kBlock;
      panel.a_block_stride = g.plane_floats();
    } else {
      panel.row_offsets = row_offsets_.data() + begin;
      panel.k_offsets = info.k_offsets->data();
    }
    panel.rows = std::min(kChunk, g.pixels() - begin);
    panel.depth = info.depth;
    packed_.put_into(panel, index, 0);
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

  ConvGeometry geometry_;
  bool reads_whole_blocks_;  // 1×1 with stride 1: its pixels are rows as they lie
  Activation activation_;
  std::vector<float> bias_;
  std::vector<int32_t> row_offsets_;
  std::vector<PanelInfo> panels_;
  PackedWeights packed_;
};

// The zeros for other groups' channels are stored, too.
double direct_growth(const KernelRequest& request) {
  const ConvGeometry g(request, request.layout);
  int64_t stored = 0;
  for (int64_t first = 0; first < g.outputs; first += kPanelColumns) {
    const int64_t outputs = std::min(kPanelColumns, g.outputs - first);
    stored += inputs_of(g, first, outputs) * outputs;
  }
  return stored == 0 ? 1 : static_cast<double>(stored) / static_cast<double>(g.channels / g.groups * g.outputs);
}

}  // namespace

std::span<const Implementation> conv_implementations() {
  static const std::vector<Implementation> rows = [] {
    std::vector<Implementation> all = {depthwise_implementation(), planar_implementation(), folded_implementation()};
    for (const Implementation& row : winograd_implementations()) all.push_back(row);
    all.push_back({"conv.direct", Layout::any, Layout::blocked, declines_any_conv, [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<DirectConv>(request); }, false, direct_growth});
    return all;
  }();
  return rows;
}

}  // namespace ropeway::cpu
