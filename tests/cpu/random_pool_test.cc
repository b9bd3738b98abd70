// Every implementation of pooling on random sizes.
#include "support/kernel_harness.h"
#include "support/random_cases.h"

namespace ropeway::test {
namespace {

struct RandomPool {
  Shape x;
  PoolParams params;
};

RandomPool draw_pool(Draw& draw, bool average) {
  const int64_t n = draw.once_in(5) ? 1 : 2, channels = draw.coin() ? draw.from(1, 8) : draw.from(1, 40);
  RandomPool result;
  PoolParams& p = result.params;
  p.kernel_shape = draw.shape(n, 1, 4), p.strides = draw.shape(n, 1, 3), p.dilations = draw.shape(n, 1, 3);
  result.x = {draw.from(1, 3), channels};
  for (const int64_t size : draw.shape(n, 1, 20)) result.x.push_back(size);
  if (draw.once_in(8)) {  // windows of hundreds of columns
    result.x = draw.shape(2, 1, 3);
    if (n == 2) result.x.push_back(draw.from(1, 4));
    result.x.push_back(draw.from(900, 1500));
    p.kernel_shape.back() = draw.coin() ? draw.from(2, 4) : draw.from(500, 800);
    p.dilations.back() = p.kernel_shape.back() < 5 ? draw.from(100, 290) : 1;
    p.strides.back() = !average && draw.coin() ? draw.from(1, 3) : draw.from(1, 90);
  }
  for (int64_t i = 0; i < 2 * n; ++i) p.pads.push_back(draw.from(0, p.kernel_shape[static_cast<size_t>(i % n)] / 2));
  for (size_t d = 0; d < static_cast<size_t>(n); ++d) {
    const int64_t reach = p.dilations[d] * (p.kernel_shape[d] - 1) + 1 - p.pads[d] - p.pads[d + static_cast<size_t>(n)];
    result.x[2 + d] = std::max(result.x[2 + d], reach);
  }
  p.ceil_mode = draw.coin();
  if (average) p.count_include_pad = draw.coin(), p.divisor = draw.once_in(4) ? draw.from(1, 9) : 0;
  return result;
}

// Every third one with a NaN and infinities in it.
Tensor image(Draw& draw, const Shape& shape) {
  Tensor x = random_tensor(shape);
  return draw.once_in(3) ? with_nan_and_infinities(std::move(x)) : x;
}

std::string to_text(const RandomPool& pool) {
  const PoolParams& p = pool.params;
  return fmt::format("[{}] in windows of {}, strides {}, pads {}, dilations {}, ceil {}, divisor {}", fmt::join(pool.x, ","), fmt::join(p.kernel_shape, ","), fmt::join(p.strides, ","), fmt::join(p.pads, ","),
                     fmt::join(p.dilations, ","), p.ceil_mode, p.divisor);
}

TEST(RandomPool, AgreesWithReference) {
  for (const Op op : {Op::MaxPool, Op::AveragePool}) {
    Draw draw(name(op));
    Tally tally;
    for (int i = 0; i < 100; ++i) {
      const RandomPool pool = draw_pool(draw, op == Op::AveragePool);
      SCOPED_TRACE(fmt::format("{} {}: {}", name(op), i, to_text(pool)));
      tally.add(KernelCase(op, pool.params).input(image(draw, pool.x)).judged_by(1).check_all([&](const std::string&) { return op == Op::MaxPool ? 0 : 1e-6; }));
      if (HasFailure()) return;
    }
    tally.expect_all(op, 30);
  }
}

TEST(RandomPool, AdaptiveAgreesWithReference) {
  Draw draw("adaptive");
  Tally tally;
  for (int i = 0; i < 60; ++i) {
    const int64_t n = draw.from(1, 2);
    Shape x{draw.from(1, 3), draw.from(1, 40)};
    for (const int64_t size : draw.shape(n, 1, 20)) x.push_back(size);
    const Ints size = draw.shape(n, 1, 8);
    SCOPED_TRACE(fmt::format("case {}: [{}] to {}", i, fmt::join(x, ","), fmt::join(size, ",")));
    tally.add(KernelCase(Op::AdaptiveAveragePool, AdaptivePoolParams{size}).input(image(draw, x)).judged_by(1).check_all([](const std::string&) { return 1e-6; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::AdaptiveAveragePool, 50);
}

}  // namespace
}  // namespace ropeway::test
