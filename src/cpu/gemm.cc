// Fully connected layers and matrix products.
#include <algorithm>

#include "base/buffer.h"
#include "base/text.h"
#include "cpu/activation.h"
#include "cpu/half_weights.h"
#include "cpu/implementations.h"
#include "cpu/kernels/gemv.h"
#include "cpu/kernels/matmul.h"
#include "cpu/packed_weights.h"
#include "ir/deferred.h"
#include "ops/operator.h"

namespace ropeway::cpu {
namespace {

// What Gemm and MatMul by a constant have in common: C[rows, columns] = A[rows, depth] · B + bias.
struct Product {
  int64_t rows = 0, columns = 0, depth = 0;
  bool b_transposed = false;  // B lies as [columns, depth], as PyTorch keeps the weights of Linear
  const Tensor* b = nullptr;
  const Tensor* bias = nullptr;

  explicit Product(const KernelRequest& request) {
    const Shape& a = request.input_shape(0);
    const Shape& out = request.output_shape();
    depth = a.back();
    columns = out.back();
    rows = depth == 0 ? 0 : element_count(a) / depth;
    b = request.constant(1);
    if (request.node.op == Op::Gemm) {
      b_transposed = request.node.get<GemmParams>().transB;
      bias = request.constant(2);
    } else if (request.fusion.bias != kNoValue) {
      bias = &*request.graph.value(request.fusion.bias).constant;
    }
  }
};

std::string declines_product(const KernelRequest& request) {
  if (!request.all_f32()) return "it computes in f32 only";
  if (request.constant(1) == nullptr) return "its second matrix is packed beforehand, but this one is computed";
  if (element_count(request.output_shape()) == 0 || request.input_shape(0).back() == 0) return "it has nothing to compute";
  if (element_count(request.input_shape(0)) > INT32_MAX) return "a matrix of more than 2^31 elements";
  if (request.node.op == Op::MatMul) {
    if (request.input_shape(1).size() != 2 || request.input_shape(0).size() < 2) return "its second matrix is one of a batch";
    return "";
  }
  const auto& params = request.node.get<GemmParams>();
  if (params.transA || params.alpha != 1) return "transA or alpha";
  if (request.node.input(2) == kNoValue) return "";
  const Tensor* bias = request.constant(2);
  if (bias == nullptr || params.beta != 1 || bias->count() != request.output_shape()[1] || bias->shape().back() != bias->count()) return "C is no constant row, or beta is not 1";
  return "";
}

// Calls pack(lines, first, count) for `step` lines of a matrix after the other, on all threads. They are read into memory that the next ones take: a matrix that still
// lies in its file is at no time in memory as a whole.
template <class Pack>
void read_lines(const Tensor& matrix, int64_t step, ThreadPool& pool, const Pack& pack) {
  const int64_t lines = matrix.shape()[0], length = matrix.shape()[1];
  const auto reading = begin_reading(matrix);
  std::vector<std::vector<float>> parts(static_cast<size_t>(pool.threads()));
  pool.run(divide_up(lines, step), [&](int64_t task, int worker) {
    const int64_t first = task * step, count = std::min(step, lines - first);
    std::vector<float>& part = parts[static_cast<size_t>(worker)];
    part.resize(static_cast<size_t>(count * length));
    reading->read(static_cast<size_t>(first * length) * sizeof(float), std::as_writable_bytes(std::span(part)));
    pack(part.data(), first, count);
  });
  reading->finish();
}

const float* residual_of(std::span<const void* const> inputs, size_t node_inputs) {
  return inputs.size() > node_inputs ? static_cast<const float*>(inputs[node_inputs]) : nullptr;
}

// One row: the weights stream from memory once.
class RowProduct : public Kernel {
 public:
  explicit RowProduct(const KernelRequest& request) : activation_(request.fusion), node_inputs_(info(request.node.op).inputs.size()) {
    const Product product(request);
    depth_ = product.depth;
    columns_ = product.columns;
    bias_ = padded_bias(product.bias, product.columns);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte*, ThreadPool& pool) const final {
    const auto* x = static_cast<const float*>(inputs[0]);
    const float* residual = residual_of(inputs, node_inputs_);
    auto* y = static_cast<float*>(outputs[0]);
    pool.run(divide_up(columns_, kChunk), [&](int64_t task, int) {
      const int64_t begin = task * kChunk, end = std::min(columns_, begin + kChunk);
      multiply(x, bias_.data(), y, begin, end);
      for (int64_t i = begin; i < end; ++i) y[i] = std::min(std::max(residual == nullptr ? y[i] : y[i] + residual[i], activation_.low), activation_.high);
      activation_.finish(y + begin, end - begin);
    });
  }

  bool packs_constants() const final { return true; }

 protected:
  static constexpr int64_t kChunk = 32;  // results of a task
  // y[begin, end): the product and the bias.
  virtual void multiply(const float* x, const float* bias, float* y, int64_t begin, int64_t end) const = 0;
  int64_t depth_ = 0, columns_ = 0;

 private:
  Activation activation_;
  size_t node_inputs_;
  std::vector<float> bias_;
};

class VectorProduct final : public RowProduct {
 public:
  explicit VectorProduct(const KernelRequest& request) : RowProduct(request) {
    const Product product(request);
    if (product.b_transposed) {
      load(*product.b, *request.pool);
      weights_ = *product.b;  // used where it lies
      return;
    }
    weights_ = Tensor({DType::f32, {columns_, depth_}});
    float* const to = weights_.data<float>().data();
    constexpr int64_t kLines = 16;
    read_lines(*product.b, kLines, *request.pool, [&](const float* lines, int64_t first, int64_t count) {
      for (int64_t n = 0; n < columns_; ++n) {
        for (int64_t k = 0; k < count; ++k) to[n * depth_ + first + k] = lines[k * columns_ + n];
      }
    });
  }

  size_t weight_bytes() const override { return weights_.bytes(); }

 private:
  void multiply(const float* x, const float* bias, float* y, int64_t begin, int64_t end) const override {
    multiply_vector(std::as_const(weights_).data<float>().data(), x, bias, y, depth_, begin, end);
  }

  Tensor weights_;
};

// The same with weights of 16 bits: half as much to stream.
class HalfVectorProduct final : public RowProduct {
 public:
  explicit HalfVectorProduct(const KernelRequest& request) : RowProduct(request) {
    static_assert(kChunk % kHalfRows == 0);
    packed_ = allocate_buffer(weight_bytes());
    pack(Product(request), *request.pool);
  }

  size_t weight_bytes() const override { return static_cast<size_t>(packed_half_size(columns_, depth_)) * sizeof(uint16_t); }
  size_t half_weight_bytes() const override { return weight_bytes(); }

 private:
  void multiply(const float* x, const float* bias, float* y, int64_t begin, int64_t end) const override {
    multiply_vector_half(packed(), x, bias, y, depth_, begin, end);
  }

  void pack(const Product& product, ThreadPool& pool) {
    const bool by_rows = product.b_transposed;
    read_lines(*product.b, by_rows ? kHalfRows : kHalfElements, pool, [&](const float* lines, int64_t first, int64_t count) {
      pack_half(by_rows ? HalfPart{lines, depth_, 1, first, count, 0, depth_} : HalfPart{lines, 1, columns_, 0, columns_, first, count}, depth_, packed());
    });
  }

  uint16_t* packed() const { return reinterpret_cast<uint16_t*>(packed_.get()); }

  std::shared_ptr<std::byte> packed_;
};

// Many rows: B packed once.
class PackedProduct final : public Kernel {
 public:
  explicit PackedProduct(const KernelRequest& request) : activation_(request.fusion), node_inputs_(info(request.node.op).inputs.size()) {
    const Product product(request);
    rows_ = product.rows, columns_ = product.columns, depth_ = product.depth;
    bias_ = padded_bias(product.bias, product.columns);
    row_offsets_ = multiples(rows_, depth_);
    k_offsets_ = multiples(depth_, 1);
    packed_ = allocate_buffer(static_cast<size_t>(packed_size(depth_, columns_)) * sizeof(float));
    pack(product, *request.pool);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte*, ThreadPool& pool) const override {
    const auto* a = static_cast<const float*>(inputs[0]);
    const float* residual = residual_of(inputs, node_inputs_);
    auto* c = static_cast<float*>(outputs[0]);
    const int64_t panels = divide_up(columns_, kPanelColumns);
    const int64_t chunks = divide_up(rows_, kChunk);
    pool.run(panels * chunks, [&](int64_t task, int) { compute(task % panels * kPanelColumns, task / panels * kChunk, a, residual, c); });
  }

  bool packs_constants() const override { return true; }
  size_t weight_bytes() const override { return static_cast<size_t>(packed_size(depth_, columns_)) * sizeof(float); }

 private:
  static constexpr int64_t kChunk = 112;  // rows: a chunk of A stays in the second-level cache while the panels pass

  void pack(const Product& product, ThreadPool& pool) {
    const auto block = [&](int64_t column) { return reinterpret_cast<float*>(packed_.get()) + block_offset(depth_, column); };
    if (product.b_transposed) {
      read_lines(*product.b, kBlockColumns, pool, [&](const float* columns, int64_t first, int64_t count) { pack_blocks(columns, 1, depth_, depth_, count, block(first)); });
      return;
    }
    constexpr int64_t kLines = 64;
    read_lines(*product.b, kLines, pool, [&](const float* lines, int64_t first, int64_t count) {
      for (int64_t column = 0; column < columns_; column += kBlockColumns) {
        pack_blocks(lines + column, columns_, 1, count, std::min(kBlockColumns, columns_ - column), block(column) + first * kBlockColumns);
      }
    });
  }

  void compute(int64_t column, int64_t row, const float* a, const float* residual, float* c) const {
    Panel panel;
    describe_columns(panel, column, columns_, columns_);
    panel.a = a;
    panel.row_offsets = row_offsets_.data() + row;
    panel.k_offsets = k_offsets_.data();
    panel.rows = std::min(kChunk, rows_ - row);
    panel.depth = depth_;
    panel.b = reinterpret_cast<const float*>(packed_.get()) + block_offset(depth_, column);
    const int64_t at = row * columns_ + column;
    panel.c = c + at;
    panel.bias = bias_.data() + column;
    panel.residual = residual == nullptr ? nullptr : residual + at;
    panel.low = activation_.low;
    panel.high = activation_.high;
    multiply_panel(panel);
    activation_.finish_rows(panel.c, panel.rows, panel.columns, columns_);
  }

  Activation activation_;
  size_t node_inputs_;
  int64_t rows_ = 0, columns_ = 0, depth_ = 0;
  std::vector<float> bias_;
  std::vector<int32_t> row_offsets_, k_offsets_;
  std::shared_ptr<std::byte> packed_;
};

// Two computed matrices, or batches of them with broadcasting: B is packed at each call.
class BatchedProduct final : public Kernel {
 public:
  explicit BatchedProduct(const KernelRequest& request) {
    const Shape& a = request.input_shape(0);
    const Shape& b = request.input_shape(1);
    const Shape& out = request.output_shape();
    rows_ = a[a.size() - 2], depth_ = a.back(), columns_ = b.back();
    batches_ = element_count(out) / (rows_ * columns_);
    row_offsets_ = multiples(rows_, depth_);
    k_offsets_ = multiples(depth_, 1);
    for (int64_t i = 0; i < batches_; ++i) {
      a_at_.push_back(batch_index(i, out, a) * rows_ * depth_);
      b_at_.push_back(batch_index(i, out, b) * depth_ * columns_);
    }
    scratch_floats_ = static_cast<size_t>(packed_size(depth_, columns_)) * static_cast<size_t>(request.threads());
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    const auto* a = static_cast<const float*>(inputs[0]);
    const auto* b = static_cast<const float*>(inputs[1]);
    auto* c = static_cast<float*>(outputs[0]);
    pool.run(batches_, [&](int64_t batch, int worker) {
      float* packed = reinterpret_cast<float*>(scratch) + worker * packed_size(depth_, columns_);
      pack_blocks(b + b_at_[static_cast<size_t>(batch)], columns_, 1, depth_, columns_, packed);
      for (int64_t column = 0; column < columns_; column += kPanelColumns) {
        Panel panel;
        describe_columns(panel, column, columns_, columns_);
        panel.a = a + a_at_[static_cast<size_t>(batch)];
        panel.row_offsets = row_offsets_.data();
        panel.k_offsets = k_offsets_.data();
        panel.rows = rows_;
        panel.depth = depth_;
        panel.b = packed + block_offset(depth_, column);
        panel.c = c + batch * rows_ * columns_ + column;
        multiply_panel(panel);
      }
    });
  }

  size_t scratch_bytes() const override { return scratch_floats_ * sizeof(float); }

 private:
  // Which matrix of an operand of shape `operand` is batch i of `out`, under broadcasting.
  static int64_t batch_index(int64_t i, const Shape& out, const Shape& operand) {
    int64_t index = 0, stride = 1;
    for (size_t d = 3; d <= out.size(); ++d) {
      const int64_t position = i % out[out.size() - d];
      i /= out[out.size() - d];
      if (d > operand.size()) continue;
      const int64_t size = operand[operand.size() - d];
      if (size != 1) index += position * stride;
      stride *= size;
    }
    return index;
  }

  int64_t rows_ = 0, columns_ = 0, depth_ = 0, batches_ = 0;
  std::vector<int32_t> row_offsets_, k_offsets_;
  std::vector<int64_t> a_at_, b_at_;
  size_t scratch_floats_ = 0;
};

std::string declines_vector(const KernelRequest& request) {
  if (std::string why = declines_product(request); !why.empty()) return why;
  return Product(request).rows == 1 ? "" : "more than one row";
}

std::string declines_half_vector(const KernelRequest& request) {
  if (!request.half_weights) return "16-bit weights are not asked for";
  if (std::string why = declines_vector(request); !why.empty()) return why;
  return declines_half(request, *Product(request).b);
}

std::string declines_batched(const KernelRequest& request) {
  if (!request.all_f32()) return "it computes in f32 only";
  if (!request.fusion.empty()) return "it fuses nothing";
  if (request.input_shape(0).size() < 2 || request.input_shape(1).size() < 2) return "an operand is a vector";
  if (element_count(request.output_shape()) == 0 || request.input_shape(0).back() == 0) return "it has nothing to compute";
  if (element_count(request.input_shape(0)) > INT32_MAX) return "a matrix of more than 2^31 elements";
  return "";
}

template <class K>
std::unique_ptr<Kernel> make(const KernelRequest& request) {
  return std::make_unique<K>(request);
}

}  // namespace

std::span<const Implementation> gemm_implementations() {
  static const Implementation rows[] = {
      {"gemm.vector_f16", Layout::plain, Layout::plain, declines_half_vector, make<HalfVectorProduct>, true},
      {"gemm.vector", Layout::plain, Layout::plain, declines_vector, make<VectorProduct>, true},
      {"gemm.packed", Layout::plain, Layout::plain, declines_product, make<PackedProduct>, true},
  };
  return rows;
}

std::span<const Implementation> matmul_implementations() {
  static const Implementation rows[] = {
      {"gemm.vector_f16", Layout::plain, Layout::plain, declines_half_vector, make<HalfVectorProduct>, true},
      {"gemm.vector", Layout::plain, Layout::plain, declines_vector, make<VectorProduct>, true},
      {"gemm.packed", Layout::plain, Layout::plain, declines_product, make<PackedProduct>, true},
      {"matmul.batched", Layout::plain, Layout::plain, declines_batched, make<BatchedProduct>},
  };
  return rows;
}

}  // namespace ropeway::cpu
