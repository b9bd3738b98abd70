// Pooling over one or two spatial dimensions.
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

// What every output position along spatial dimension d reads.
Spans window_spans(const PoolParams& p, size_t d, int64_t in, int64_t out) {
  const Window window{p.kernel_shape, p.strides, p.pads, p.dilations};
  const int64_t padded_end = in + p.pads[d + p.kernel_shape.size()];  // what ceil_mode reads beyond counts nowhere
  Spans spans;
  for (int64_t o = 0; o < out; ++o) {
    PoolSpan span{0, 0, p.dilations[d], 1};
    int64_t counted = 0;
    for (int64_t tap = 0; tap < p.kernel_shape[d]; ++tap) {
      const int64_t position = window.position(d, o, tap);
      if (position >= 0 && position < in && span.taps++ == 0) span.first = position;
      counted += p.count_include_pad ? position < padded_end : position >= 0 && position < in;
    }
    if (p.divisor == 0) span.scale = 1.0f / static_cast<float>(counted);
    spans.push_back(span);
  }
  for (size_t i = spans.size(); i-- > 1;) {
    PoolSpan& before = spans[i - 1];
    const PoolSpan& span = spans[i];
    if (span.taps != before.taps) continue;
    before.alike = span.alike > 1 && spans[i + 1].first - span.first == span.first - before.first ? span.alike + 1 : 2;
  }
  return spans;
}

// AdaptivePoolParams says which cells they are.
Spans adaptive_spans(int64_t in, int64_t out) {
  Spans spans;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o * in / out, taps = ((o + 1) * in + out - 1) / out - first;
    spans.push_back({first, taps, 1, 1.0f / static_cast<float>(taps), 1});
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
  PoolGeometry g{x[0] * divide_up(x[1], kBlock), flat ? 1 : x[2], x.back(), {}, {}};
  if (request.node.op == Op::AdaptiveAveragePool) {
    const Ints& size = request.node.get<AdaptivePoolParams>().output_size;
    g.rows = adaptive_spans(g.height, flat ? 1 : size[0]);
    g.columns = adaptive_spans(g.width, size.back());
    return g;
  }
  const auto& p = request.node.get<PoolParams>();
  const Shape& out = request.output_shape();
  g.rows = flat ? adaptive_spans(1, 1) : window_spans(p, 0, g.height, out[2]);
  g.columns = window_spans(p, out.size() - 3, g.width, out.back());
  if (p.divisor != 0) {
    for (PoolSpan& row : g.rows) row.scale = 1.0f / static_cast<float>(p.divisor);
  }
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

// Few channels, plain images: first the rows of a window, then the columns of what these leave.
std::unique_ptr<Kernel> make_plain_max_pool(const KernelRequest& request) {
  PoolGeometry g = geometry(request);
  g.planes = request.input_shape(0)[0] * request.input_shape(0)[1];
  return make_kernel([g](const KernelArguments& a) {
    const auto rows = static_cast<int64_t>(g.rows.size()), columns = static_cast<int64_t>(g.columns.size());
    parallel_for(a.pool, g.planes * rows, g.height * g.width / std::max<int64_t>(rows, 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        max_pool_plain_row(a.in(0) + i / rows * g.height * g.width, g.width, g.rows[static_cast<size_t>(i % rows)], g.columns.data(), columns, a.out() + i * columns);
      }
    });
  });
}

std::string declines_plain_max_pool(const KernelRequest& request) {
  if (std::string why = declines_pool(request); !why.empty()) return why;
  return request.input_shape(0)[1] <= kBlock / 2 ? "" : "more channels than half a block";
}

}  // namespace

std::span<const Implementation> max_pool_implementations() {
  static const Implementation rows[] = {{"max_pool.plain", Layout::plain, Layout::plain, declines_plain_max_pool, make_plain_max_pool},
                                        {"max_pool.blocked", Layout::blocked, Layout::blocked, declines_pool, make_pool<max_pool_row>}};
  return rows;
}

std::span<const Implementation> average_pool_implementations() {
  static const Implementation rows[] = {{"average_pool.blocked", Layout::blocked, Layout::blocked, declines_pool, make_pool<average_pool_row>}};
  return rows;
}

}  // namespace ropeway::cpu
