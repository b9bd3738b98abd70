// Pooling over one or two spatial dimensions, on blocked images.
#include <algorithm>
#include <vector>

#include "cpu/implementations.h"
#include "cpu/kernels/pool.h"
#include "cpu/lambda_kernel.h"
#include "cpu/parallel.h"
#include "ops/window.h"

namespace ropeway::cpu {
namespace {

using Spans = std::vector<PoolSpan>;

// What every output position along one dimension reads.
Spans window_spans(const WindowDim& dim, bool count_include_pad) {
  Spans spans;
  for (int64_t o = 0; o < dim.out; ++o) {
    const int64_t first = dim.first_tap(o), last = dim.last_tap(o, dim.in);
    const int64_t counted = count_include_pad ? dim.last_tap(o, dim.in + dim.pad_end) : last - first;
    spans.push_back({dim.start(o) + first * dim.dilation, last - first, dim.dilation, 1.0f / static_cast<float>(counted)});
  }
  return spans;
}

// AdaptivePoolParams says which cells they are.
Spans adaptive_spans(int64_t in, int64_t out) {
  Spans spans;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o * in / out, taps = ((o + 1) * in + out - 1) / out - first;
    spans.push_back({first, taps, 1, 1.0f / static_cast<float>(taps)});
  }
  return spans;
}

// Rows and columns of images [N, C, (H,) W].
struct PoolGeometry {
  int64_t planes, height, width;
  Spans rows, columns;
};

PoolGeometry geometry(const KernelRequest& request) {
  const Shape& x = request.input_shape(0);
  const bool flat = x.size() == 3;
  PoolGeometry g{x[0] * ((x[1] + kBlock - 1) / kBlock), flat ? 1 : x[2], x.back(), {}, {}};
  if (request.node.op == Op::AdaptiveAveragePool) {
    const Ints& size = request.node.get<AdaptivePoolParams>().output_size;
    g.rows = adaptive_spans(g.height, flat ? 1 : size[0]);
    g.columns = adaptive_spans(g.width, size.back());
    return g;
  }
  const auto& p = request.node.get<PoolParams>();
  const Window window = make_window(name(request.node.op), x, p.kernel_shape, p.strides, p.pads, p.dilations, p.ceil_mode);
  g.rows = window_spans(window[1], p.count_include_pad);
  g.columns = window_spans(window[2], p.count_include_pad);
  if (p.divisor == 0) return g;
  for (PoolSpan& row : g.rows) row.scale = 1.0f / static_cast<float>(p.divisor);
  for (PoolSpan& column : g.columns) column.scale = 1;
  return g;
}

std::string declines_pool(const KernelRequest& request) {
  if (std::string why = declines_f32(request); !why.empty()) return why;
  if (request.input_shape(0).size() > 4) return "more than two spatial dimensions";
  const PoolGeometry g = geometry(request);
  const auto empty = [](const PoolSpan& span) { return span.taps <= 0; };
  if (std::any_of(g.rows.begin(), g.rows.end(), empty) || std::any_of(g.columns.begin(), g.columns.end(), empty)) return "a window without any input";
  return "";
}

using PoolRow = void (*)(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out);

template <PoolRow kPoolRow>
std::unique_ptr<Kernel> make_pool(const KernelRequest& request) {
  return make_kernel([g = geometry(request)](const KernelArguments& a) {
    const auto rows = static_cast<int64_t>(g.rows.size()), columns = static_cast<int64_t>(g.columns.size());
    const int64_t cost = kBlock * g.height * g.width / std::max<int64_t>(rows, 1);
    parallel_for(a.pool, g.planes * rows, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* image = a.in(0) + i / rows * g.height * g.width * kBlock;
        kPoolRow(image, g.width, g.rows[static_cast<size_t>(i % rows)], g.columns.data(), columns, a.out() + i * columns * kBlock);
      }
    });
  });
}

}  // namespace

std::span<const Implementation> max_pool_implementations() {
  static const Implementation rows[] = {{"max_pool.blocked", Layout::blocked, Layout::blocked, declines_pool, make_pool<max_pool_row>}};
  return rows;
}

std::span<const Implementation> average_pool_implementations() {
  static const Implementation rows[] = {{"average_pool.blocked", Layout::blocked, Layout::blocked, declines_pool, make_pool<average_pool_row>}};
  return rows;
}

}  // namespace ropeway::cpu
