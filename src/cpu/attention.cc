// Scaled dot-product attention, a head at a time.
#include <algorithm>
#include <limits>

#include "cpu/implementations.h"
#include "cpu/kernels/matmul.h"
#include "cpu/kernels/normalize.h"
#include "cpu/lambda_kernel.h"
#include "ops/shape_util.h"

namespace ropeway::cpu {
namespace {

// Per worker: Kᵀ and V packed, and the scores of kRows queries. The whole score matrix never exists.
class HeadwiseAttention final : public Kernel {
 public:
  explicit HeadwiseAttention(const KernelRequest& request) : scale_(static_cast<float>(request.node.get<AttentionParams>().scale)), causal_(request.node.get<AttentionParams>().is_causal) {
    const Shape& q = request.input_shape(0);
    queries_ = q[q.size() - 2], width_ = q.back();
    keys_ = request.input_shape(1)[q.size() - 2], values_ = request.input_shape(2).back();
    heads_ = element_count(q) / (queries_ * width_);
    q_rows_ = multiples(kRows, width_);
    score_rows_ = multiples(kRows, padded_keys());
    counting_ = multiples(std::max(width_, keys_), 1);
    worker_floats_ = round_up(packed_size(width_, keys_)) + round_up(packed_size(keys_, values_)) + kRows * padded_keys();
    threads_ = request.threads();
    describe_mask(request);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    const auto* q = static_cast<const float*>(inputs[0]);
    const auto* k = static_cast<const float*>(inputs[1]);
    const auto* v = static_cast<const float*>(inputs[2]);
    auto* out = static_cast<float*>(outputs[0]);
    pool.run(heads_, [&](int64_t head, int worker) {
      float* k_packed = reinterpret_cast<float*>(scratch) + worker * worker_floats_;
      float* v_packed = k_packed + round_up(packed_size(width_, keys_));
      float* scores = v_packed + round_up(packed_size(keys_, values_));
      pack_panels(k + head * keys_ * width_, 1, width_, width_, keys_, k_packed);
      pack_panels(v + head * keys_ * values_, values_, 1, keys_, values_, v_packed);
      for (int64_t first = 0; first < queries_; first += kRows) {
        const int64_t rows = std::min(kRows, queries_ - first);
        multiply(q + (head * queries_ + first) * width_, q_rows_, width_, k_packed, keys_, scores, padded_keys(), rows);
        for (int64_t row = 0; row < rows; ++row) weigh(head, first + row, inputs, scores + row * padded_keys());
        multiply(scores, score_rows_, keys_, v_packed, values_, out + (head * queries_ + first) * values_, values_, rows);
      }
    });
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(worker_floats_ * threads_) * sizeof(float); }

 private:
  static constexpr int64_t kRows = 56;

  static std::vector<int32_t> multiples(int64_t count, int64_t stride) {
    std::vector<int32_t> result;
    for (int64_t i = 0; i < count; ++i) result.push_back(static_cast<int32_t>(i * stride));
    return result;
  }
  static int64_t round_up(int64_t floats) { return (floats + kBlock - 1) / kBlock * kBlock; }
  int64_t padded_keys() const { return round_up(keys_); }

  void describe_mask(const KernelRequest& request) {
    if (request.node.input(3) == kNoValue) return;
    mask_is_boolean_ = request.graph.type(request.node.input(3)).dtype == DType::boolean;
    Shape scores = request.input_shape(0);
    scores.back() = keys_;
    mask_strides_ = broadcast_strides(request.input_shape(3), scores);
    Shape lines = scores;
    lines.back() = 1;
    for (IndexWalk line(lines, {mask_strides_}); !line.done(); line.next()) mask_at_.push_back(line.offset(0));
  }

  // C[rows, columns] = A · packed B.
  void multiply(const float* a, const std::vector<int32_t>& a_rows, int64_t depth, const float* packed, int64_t columns, float* c, int64_t c_stride, int64_t rows) const {
    for (int64_t column = 0; column < columns; column += kPanelColumns) {
      Panel panel;
      panel.a = a;
      panel.row_offsets = a_rows.data();
      panel.k_offsets = counting_.data();
      panel.rows = rows;
      panel.depth = depth;
      panel.b = packed + panel_offset(depth, column);
      panel.columns = std::min(kPanelColumns, columns - column);
      panel.blocks = panel.columns > kBlockColumns ? 2 : 1;
      panel.c = c + column;
      panel.c_row_stride = c_stride;
      panel.c_block_stride = kBlockColumns;
      multiply_panel(panel);
    }
  }

  // Scale, mask and softmax of one query's scores.
  void weigh(int64_t head, int64_t query, std::span<const void* const> inputs, float* scores) const {
    constexpr float kHidden = -std::numeric_limits<float>::infinity();
    for (int64_t i = 0; i < keys_; ++i) scores[i] *= scale_;
    if (!mask_at_.empty()) {
      const int64_t at = mask_at_[static_cast<size_t>(head * queries_ + query)], stride = mask_strides_.back();
      for (int64_t i = 0; i < keys_; ++i) {
        if (mask_is_boolean_ && !static_cast<const bool*>(inputs[3])[at + i * stride]) scores[i] = kHidden;
        if (!mask_is_boolean_) scores[i] += static_cast<const float*>(inputs[3])[at + i * stride];
      }
    }
    if (causal_) std::fill(scores + std::min(query + 1, keys_), scores + keys_, kHidden);
    // A query that sees no key gives zeros, as PyTorch has it.
    if (std::all_of(scores, scores + keys_, [](float score) { return score == kHidden; })) {
      std::fill(scores, scores + keys_, 0.0f);
    } else {
      softmax_row(scores, scores, keys_);
    }
  }

  float scale_;
  bool causal_;
  int64_t queries_ = 0, keys_ = 0, width_ = 0, values_ = 0, heads_ = 0, worker_floats_ = 0, threads_ = 1;
  std::vector<int32_t> q_rows_, score_rows_, counting_;
  bool mask_is_boolean_ = false;
  Shape mask_strides_;
  std::vector<int64_t> mask_at_;  // of each query's first score; empty without a mask
};

std::string declines(const KernelRequest& request) {
  for (const size_t i : {0, 1, 2}) {
    if (request.graph.type(request.node.inputs[i]).dtype != DType::f32) return "it computes in f32 only";
  }
  if (!request.fusion.empty()) return "it fuses nothing";
  if (element_count(request.output_shape()) == 0 || request.input_shape(0).back() == 0 || request.input_shape(1)[request.input_shape(1).size() - 2] == 0) return "it has nothing to compute";
  return "";
}

}  // namespace

std::span<const Implementation> attention_implementations() {
  static const Implementation rows[] = {
      {"attention.headwise", Layout::plain, Layout::plain, declines, [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<HeadwiseAttention>(request); }},
  };
  return rows;
}

}  // namespace ropeway::cpu
