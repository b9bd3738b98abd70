// Scaled dot-product attention, a head at a time.
#include <algorithm>
#include <limits>

#include "cpu/implementations.h"
#include "cpu/kernels/matmul.h"
#include "cpu/kernels/normalize.h"
#include "cpu/kernels/reorder.h"
#include "cpu/lambda_kernel.h"
#include "ops/shape_util.h"

namespace ropeway::cpu {
namespace {

// Where the heads of an operand lie: their rows are `stride` apart, the elements of a row side by side.
struct Heads {
  int64_t stride = 0;
  std::vector<int64_t> at;  // of each head's first row

  Heads(const KernelRequest& request, size_t i) {
    const Shape& shape = request.input_shape(i);
    const View* view = request.view(i);
    const Shape strides = view == nullptr ? strides_of(shape) : view->strides;
    stride = strides[shape.size() - 2];
    Shape heads = shape;
    heads[shape.size() - 2] = heads.back() = 1;
    for (IndexWalk head(heads, {strides}); !head.done(); head.next()) at.push_back((view == nullptr ? 0 : view->offset) + head.offset(0));
  }
};

// For some heads at a time, Kᵀ (scaled) and V are packed; per worker, there are the scores of kRows queries. The whole score matrix never exists.
class HeadwiseAttention final : public Kernel {
 public:
  explicit HeadwiseAttention(const KernelRequest& request)
      : scale_(static_cast<float>(request.node.get<AttentionParams>().scale)), causal_(request.node.get<AttentionParams>().is_causal), q_(request, 0), k_(request, 1), v_(request, 2) {
    const Shape& q = request.input_shape(0);
    queries_ = q[q.size() - 2], width_ = q.back();
    keys_ = request.input_shape(1)[q.size() - 2], values_ = request.input_shape(2).back();
    heads_ = static_cast<int64_t>(q_.at.size());
    q_rows_ = multiples(kRows, q_.stride);
    score_rows_ = multiples(kRows, padded_keys());
    counting_ = multiples(std::max(width_, keys_), 1);
    k_floats_ = packed_size(width_, keys_), v_floats_ = packed_size(keys_, values_);
    threads_ = request.threads();
    group_ = std::min(heads_, std::max<int64_t>(threads_, kGroupFloats / (k_floats_ + v_floats_)));
    describe_mask(request);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    auto* packed = reinterpret_cast<float*>(scratch);
    float* all_scores = packed + group_ * (k_floats_ + v_floats_);
    const int64_t chunks = divide_up(queries_, kRows);
    for (int64_t first = 0; first < heads_; first += group_) {
      const int64_t heads = std::min(group_, heads_ - first);
      pool.run(heads, [&](int64_t i, int) { pack(first + i, inputs, packed + i * (k_floats_ + v_floats_)); });
      pool.run(heads * chunks, [&](int64_t i, int worker) {
        compute(first + i / chunks, i % chunks * kRows, inputs, packed + i / chunks * (k_floats_ + v_floats_), all_scores + worker * kRows * padded_keys(), static_cast<float*>(outputs[0]));
      });
    }
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(group_ * (k_floats_ + v_floats_) + threads_ * kRows * padded_keys()) * sizeof(float); }

 private:
  static constexpr int64_t kRows = 56;
  static constexpr int64_t kGroupFloats = 1 << 18;  // of packed heads: 1 MB, which the second-level cache holds

  static int64_t round_up(int64_t floats) { return divide_up(floats, kBlock) * kBlock; }
  int64_t padded_keys() const { return round_up(keys_); }

  void pack(int64_t head, std::span<const void* const> inputs, float* to) const {
    const float* k = static_cast<const float*>(inputs[1]) + k_.at[static_cast<size_t>(head)];
    const float* v = static_cast<const float*>(inputs[2]) + v_.at[static_cast<size_t>(head)];
    std::fill(to + block_offset(width_, (keys_ - 1) / kBlockColumns * kBlockColumns), to + k_floats_, 0.0f);
    for (int64_t key = 0; key < keys_; key += kBlockColumns) {
      transpose_2d(k + key * k_.stride, k_.stride, to + block_offset(width_, key), kBlockColumns, std::min(kBlockColumns, keys_ - key), width_);
    }
    scale_shift(to, scale_, 0, to, k_floats_);
    to += k_floats_;
    pack_blocks(v, v_.stride, 1, keys_, values_, to);
  }

  // Queries from `query` on. The scores become weights by a division by their sum, which is cheaper once the values are summed up.
  void compute(int64_t head, int64_t query, std::span<const void* const> inputs, const float* packed, float* scores, float* outputs) const {
    const float* q = static_cast<const float*>(inputs[0]) + q_.at[static_cast<size_t>(head)] + query * q_.stride;
    float* out = outputs + (head * queries_ + query) * values_;
    const int64_t rows = std::min(kRows, queries_ - query);
    float factors[kRows];
    multiply(q, q_rows_, width_, packed, padded_keys(), scores, padded_keys(), rows);
    for (int64_t row = 0; row < rows; ++row) {
      const float sum = weigh(head, query + row, inputs, scores + row * padded_keys());
      factors[row] = sum == 0 ? 0 : 1 / sum;  // a query that sees no key gives zeros, as PyTorch has it
    }
    multiply(scores, score_rows_, keys_, packed + k_floats_, values_, out, values_, rows);
    for (int64_t row = 0; row < rows; ++row) scale_shift(out + row * values_, factors[row], 0, out + row * values_, values_);
  }

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
      panel.b = packed + block_offset(depth, column);
      panel.c = c + column;
      describe_columns(panel, column, columns, c_stride);
      multiply_panel(panel);
    }
  }

  // Mask and exponentials of one query's scores; their sum.
  float weigh(int64_t head, int64_t query, std::span<const void* const> inputs, float* scores) const {
    constexpr float kHidden = -std::numeric_limits<float>::infinity();
    if (!mask_at_.empty()) {
      const int64_t at = mask_at_[static_cast<size_t>(head * queries_ + query)], stride = mask_strides_.back();
      for (int64_t i = 0; i < keys_; ++i) {
        if (mask_is_boolean_ && !static_cast<const bool*>(inputs[3])[at + i * stride]) scores[i] = kHidden;
        if (!mask_is_boolean_) scores[i] += static_cast<const float*>(inputs[3])[at + i * stride];
      }
    }
    if (causal_) std::fill(scores + std::min(query + 1, keys_), scores + keys_, kHidden);
    return exponentials_of_row(scores, keys_);
  }

  float scale_;
  bool causal_;
  Heads q_, k_, v_;
  int64_t queries_ = 0, keys_ = 0, width_ = 0, values_ = 0, heads_ = 0, threads_ = 1;
  int64_t k_floats_ = 0, v_floats_ = 0, group_ = 1;
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
