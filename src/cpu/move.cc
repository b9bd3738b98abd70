// Operators that move elements: copies, transposes, slices, joining and splitting.
#include <cstring>
#include <numeric>
#include <optional>

#include "base/text.h"
#include "cpu/implementations.h"
#include "cpu/kernels/reorder.h"
#include "cpu/lambda_kernel.h"
#include "cpu/parallel.h"
#include "cpu/strided_loop.h"
#include "ops/shape_util.h"

namespace ropeway::cpu {
namespace {

void copy_bytes(const std::byte* in, std::byte* out, int64_t bytes, ThreadPool& pool) {
  const int64_t units = (bytes + 63) / 64;
  parallel_for(pool, units, 16, [&](int64_t begin, int64_t end) {
    if (begin < end) std::memcpy(out + begin * 64, in + begin * 64, static_cast<size_t>(std::min(bytes, end * 64) - begin * 64));
  });
}

std::string declines_copy(const KernelRequest& request) {
  const Node& node = request.node;
  if (!request.fusion.empty()) return "it fuses nothing";
  return request.graph.type(node.inputs[0]).dtype == request.graph.type(node.outputs[0]).dtype ? "" : "the dtype changes";
}

std::unique_ptr<Kernel> make_copy_all(const KernelRequest& request) {
  const TensorType& type = request.graph.type(request.node.outputs[0]);
  const int64_t bytes = physical_count(type.shape, request.layout) * static_cast<int64_t>(size_of(type.dtype));
  return make_kernel([=](const KernelArguments& a) { copy_bytes(a.in<std::byte>(0), a.out<std::byte>(), bytes, a.pool); });
}

// Copies between two index spaces of the same shape, each with its strides. The output's innermost dimension is contiguous.
class StridedCopy {
 public:
  StridedCopy(const Shape& shape, const Shape& in_strides, const Shape& out_strides) : loop_(shape, {in_strides, out_strides}), count_(element_count(shape)) {
    const auto& dims = loop_.dims();
    const Dim& last = loop_.inner();
    if (last.stride[0] == 1 || last.stride[0] == 0 || last.stride[1] != 1) return;
    for (size_t d = 0; d + 1 < dims.size(); ++d) {
      if (dims[d].stride[0] != 1) continue;
      across_ = dims[d];
      std::vector<Dim> rest = dims;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(d));
      rest.back() = {divide_up(across_->extent, kChunk), {kChunk, kChunk * across_->stride[1]}};
      tiles_.emplace(std::move(rest));
    }
  }

  void run(const float* in, float* out, ThreadPool& pool) const {
    if (count_ == 0) return;
    if (tiles_) return run_tiles(in, out, pool);
    const auto [from_step, to_step] = loop_.inner().stride;
    parallel_for(pool, count_, 1, [&, from_step = from_step, to_step = to_step](int64_t begin, int64_t end) {
      loop_.for_runs(begin, end, [&](const auto& at, int64_t n) {
        const float* from = in + at[0];
        float* to = out + at[1];
        if (from_step == 1 && to_step == 1) {
          std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
        } else {
          for (int64_t i = 0; i < n; ++i) to[i * to_step] = from[i * from_step];
        }
      });
    });
  }

 private:
  using Loop = StridedLoop<2>;
  using Dim = Loop::Dim;
  static constexpr int64_t kChunk = 64;  // columns of a transpose that one task takes

  // Where the input is contiguous along another dimension than the output: 2-D transposes of these two.
  void run_tiles(const float* in, float* out, ThreadPool& pool) const {
    const Dim& last = loop_.inner();
    const int64_t chunks = tiles_->inner().extent;
    parallel_for(pool, tiles_->count(), last.extent * std::min(kChunk, across_->extent), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto at = tiles_->at(i);
        transpose_2d(in + at[0], last.stride[0], out + at[1], across_->stride[1], last.extent, std::min(kChunk, across_->extent - i % chunks * kChunk));
      }
    });
  }

  Loop loop_;
  int64_t count_;
  std::optional<Dim> across_;  // the dimension along which the input is contiguous
  std::optional<Loop> tiles_;  // the other ones but the last, then the chunks of across_
};

std::string declines_strided(const KernelRequest& request) {
  if (std::string why = declines_f32(request); !why.empty()) return why;
  if (request.node.op == Op::Pad && request.node.get<PadParams>().mode != "constant") return "it pads with a constant only";
  return request.output_shape().size() <= StridedLoop<2>::kMaxDims ? "" : "too many dimensions";
}

std::unique_ptr<Kernel> make_transpose(const KernelRequest& request) {
  const Shape own = strides_of(request.input_shape(0));
  Shape strides;
  for (const int64_t d : request.node.get<PermParams>().perm) strides.push_back(own[static_cast<size_t>(d)]);
  const Shape& out = request.output_shape();
  return make_kernel([copy = StridedCopy(out, strides, strides_of(out))](const KernelArguments& a) { copy.run(a.in(0), a.out(), a.pool); });
}

std::unique_ptr<Kernel> make_expand(const KernelRequest& request) {
  const Shape& out = request.output_shape();
  return make_kernel([copy = StridedCopy(out, broadcast_strides(request.input_shape(0), out), strides_of(out))](const KernelArguments& a) { copy.run(a.in(0), a.out(), a.pool); });
}

std::unique_ptr<Kernel> make_slice(const KernelRequest& request) {
  const auto& p = request.node.get<SliceParams>();
  const Shape& out = request.output_shape();
  Shape strides = strides_of(request.input_shape(0));
  const int64_t first = std::inner_product(strides.begin(), strides.end(), p.starts.begin(), int64_t{0});
  for (size_t d = 0; d < strides.size(); ++d) strides[d] *= p.steps[d];
  return make_kernel([=, copy = StridedCopy(out, strides, strides_of(out))](const KernelArguments& a) { copy.run(a.in(0) + first, a.out(), a.pool); });
}

std::unique_ptr<Kernel> make_pad(const KernelRequest& request) {
  const auto& p = request.node.get<PadParams>();
  const Shape in_strides = strides_of(request.input_shape(0)), out_strides = strides_of(request.output_shape());
  Shape kept = request.input_shape(0);
  int64_t from = 0, to = 0;
  for (size_t d = 0; d < kept.size(); ++d) {
    const int64_t begin = p.pads[d], end = p.pads[d + kept.size()];
    from += std::max<int64_t>(-begin, 0) * in_strides[d];
    to += std::max<int64_t>(begin, 0) * out_strides[d];
    kept[d] = std::max<int64_t>(kept[d] + std::min<int64_t>(begin, 0) + std::min<int64_t>(end, 0), 0);
  }
  const int64_t count = element_count(request.output_shape());
  return make_kernel([=, value = static_cast<float>(p.value), copy = StridedCopy(kept, in_strides, out_strides)](const KernelArguments& a) {
    parallel_for(a.pool, count, 1, [&](int64_t begin, int64_t end) { std::fill(a.out() + begin, a.out() + end, value); });
    copy.run(a.in(0) + from, a.out() + to, a.pool);
  });
}

// Concat and Split: parts of `bytes` each, side by side in every row of a whole.
struct Part {
  int64_t bytes, at;
};
struct Parts {
  int64_t rows = 0, row_bytes = 0;
  std::vector<Part> parts;

  // Calls f(part index, byte offset in the part, byte offset in the whole, bytes) for every piece, on the pool's threads.
  template <class F>
  void for_pieces(ThreadPool& pool, const F& f) const {
    const auto count = static_cast<int64_t>(parts.size());
    parallel_for(pool, rows * count, row_bytes / 4 / std::max<int64_t>(count, 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto part = static_cast<size_t>(i % count);
        const auto [bytes, at] = parts[part];
        if (bytes > 0) f(part, i / count * bytes, i / count * row_bytes + at, static_cast<size_t>(bytes));
      }
    });
  }
};

Parts parts_of(const TensorType& whole, int64_t axis, const Ints& sizes) {
  const AxisSplit split(whole.shape, axis);
  const int64_t unit = split.inner * static_cast<int64_t>(size_of(whole.dtype));
  Parts result{split.outer, split.size * unit, {}};
  int64_t at = 0;
  for (const int64_t size : sizes) {
    result.parts.push_back({size * unit, at});
    at += size * unit;
  }
  return result;
}

std::string declines_fusion(const KernelRequest& request) { return request.fusion.empty() ? "" : "it fuses nothing"; }

std::unique_ptr<Kernel> make_concat(const KernelRequest& request) {
  const int64_t axis = request.node.get<AxisParams>().axis;
  Ints sizes;
  for (size_t i = 0; i < request.node.inputs.size(); ++i) sizes.push_back(request.input_shape(i)[static_cast<size_t>(axis)]);
  return make_kernel([parts = parts_of(request.graph.type(request.node.outputs[0]), axis, sizes)](const KernelArguments& a) {
    parts.for_pieces(a.pool, [&](size_t i, int64_t in_part, int64_t in_whole, size_t bytes) { std::memcpy(a.out<std::byte>() + in_whole, a.in<std::byte>(i) + in_part, bytes); });
  });
}

// Along the channels of blocked images, where every part but the last is made of whole blocks, blocks follow each other as channels do in plain layout.
std::string declines_blocked_concat(const KernelRequest& request) {
  if (std::string why = declines_f32(request); !why.empty()) return why;
  if (request.output_shape().size() < 4 || request.node.get<AxisParams>().axis != 1) return "it joins channels of images only";
  for (size_t i = 0; i < request.node.inputs.size(); ++i) {
    if (request.constant(i) != nullptr) return "an input is constant";
    if (request.input_shape(i)[1] % kBlock != 0 && i + 1 < request.node.inputs.size()) return "channels do not fill their blocks";
  }
  return "";
}

std::unique_ptr<Kernel> make_blocked_concat(const KernelRequest& request) {
  const auto whole_blocks = [](int64_t channels) { return divide_up(channels, kBlock) * kBlock; };
  TensorType whole = request.graph.type(request.node.outputs[0]);
  whole.shape[1] = whole_blocks(whole.shape[1]);
  Ints sizes;
  for (size_t i = 0; i < request.node.inputs.size(); ++i) sizes.push_back(whole_blocks(request.input_shape(i)[1]));
  return make_kernel([parts = parts_of(whole, 1, sizes)](const KernelArguments& a) {
    parts.for_pieces(a.pool, [&](size_t i, int64_t in_part, int64_t in_whole, size_t bytes) { std::memcpy(a.out<std::byte>() + in_whole, a.in<std::byte>(i) + in_part, bytes); });
  });
}

std::unique_ptr<Kernel> make_split(const KernelRequest& request) {
  const auto& p = request.node.get<SplitParams>();
  return make_kernel([parts = parts_of(request.graph.type(request.node.inputs[0]), p.axis, p.split)](const KernelArguments& a) {
    parts.for_pieces(a.pool, [&](size_t i, int64_t in_part, int64_t in_whole, size_t bytes) { std::memcpy(a.out<std::byte>(i) + in_part, a.in<std::byte>(0) + in_whole, bytes); });
  });
}

int64_t index_at(const void* indices, DType dtype, int64_t i) {
  return dtype == DType::i64 ? static_cast<const int64_t*>(indices)[i] : static_cast<const int32_t*>(indices)[i];
}

std::unique_ptr<Kernel> make_gather(const KernelRequest& request) {
  const TensorType& x = request.graph.type(request.node.inputs[0]);
  const TensorType& index = request.graph.type(request.node.inputs[1]);
  const AxisSplit split(x.shape, request.node.get<AxisParams>().axis);
  const int64_t bytes = split.inner * static_cast<int64_t>(size_of(x.dtype)), count = element_count(index.shape);
  return make_kernel([=, dtype = index.dtype](const KernelArguments& a) {
    parallel_for(a.pool, split.outer * count, bytes / 4, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t wanted = index_at(a.in<void>(1), dtype, i % count);
        if (wanted < -split.size || wanted >= split.size) {
          fail(ErrorCode::invalid_argument, "Gather: index {} is outside a dimension of {}", wanted, split.size);
        }
        const int64_t row = i / count * split.size + (wanted < 0 ? wanted + split.size : wanted);
        if (bytes > 0) std::memcpy(a.out<std::byte>() + i * bytes, a.in<std::byte>(0) + row * bytes, static_cast<size_t>(bytes));
      }
    });
  });
}

}  // namespace

std::span<const Implementation> copy_implementations() {
  static const Implementation rows[] = {{"copy", Layout::any, Layout::any, declines_copy, make_copy_all}};
  return rows;
}

// Reshape copies rows of another shape, so only the plain order will do.
std::span<const Implementation> reshape_implementations() {
  static const Implementation rows[] = {{"copy", Layout::plain, Layout::plain, declines_copy, make_copy_all}};
  return rows;
}

std::span<const Implementation> transpose_implementations() {
  static const Implementation rows[] = {{"transpose", Layout::plain, Layout::plain, declines_strided, make_transpose}};
  return rows;
}

std::span<const Implementation> expand_implementations() {
  static const Implementation rows[] = {{"expand", Layout::plain, Layout::plain, declines_strided, make_expand}};
  return rows;
}

std::span<const Implementation> slice_implementations() {
  static const Implementation rows[] = {{"slice", Layout::plain, Layout::plain, declines_strided, make_slice}};
  return rows;
}

std::span<const Implementation> pad_implementations() {
  static const Implementation rows[] = {{"pad", Layout::plain, Layout::plain, declines_strided, make_pad}};
  return rows;
}

std::span<const Implementation> concat_implementations() {
  static const Implementation rows[] = {
      {"concat.blocked", Layout::blocked, Layout::blocked, declines_blocked_concat, make_blocked_concat},
      {"concat", Layout::plain, Layout::plain, declines_fusion, make_concat},
  };
  return rows;
}

std::span<const Implementation> split_implementations() {
  static const Implementation rows[] = {{"split", Layout::plain, Layout::plain, declines_fusion, make_split}};
  return rows;
}

std::span<const Implementation> gather_implementations() {
  static const Implementation rows[] = {{"gather", Layout::plain, Layout::plain, declines_fusion, make_gather}};
  return rows;
}

}  // namespace ropeway::cpu
