// Every implementation of softmax, of the normalisations and of reductions on random shapes.
#include "support/kernel_harness.h"
#include "support/random_cases.h"

namespace ropeway::test {
namespace {

Shape draw_shape(Draw& draw, int64_t least_dimensions) { return draw.any_shape(least_dimensions, 4, 700); }

TEST(RandomNormalize, SoftmaxAgreesWithReference) {
  for (const Op op : {Op::Softmax, Op::LogSoftmax}) {
    Draw draw(name(op));
    Tally tally;
    for (int i = 0; i < 60; ++i) {
      const Shape x = draw_shape(draw, 1);
      const int64_t axis = draw.from(0, std::ssize(x) - 1);
      SCOPED_TRACE(fmt::format("{} {}: [{}] along {}", name(op), i, fmt::join(x, ","), axis));
      tally.add(KernelCase(op, AxisParams{axis}).input(random_tensor(x, 10)).check_all([](const std::string&) { return 1e-6; }));
      if (HasFailure()) return;
    }
    tally.expect_all(op, 60);
  }
}

TEST(RandomNormalize, LayerNormalizationAgreesWithReference) {
  Draw draw("layer_norm");
  Tally tally;
  for (int i = 0; i < 60; ++i) {
    Shape x = draw.any_shape(0, 3, 50);
    x.push_back(draw.from(16, 100));  // of a few elements the variance may be so small that their rounding shows
    while (element_count(x) > 10'000) *std::max_element(x.begin(), x.end() - 1) /= 2;
    const int64_t axis = draw.from(0, std::ssize(x) - 1);
    const Shape rest(x.begin() + axis, x.end());
    SCOPED_TRACE(fmt::format("case {}: [{}] from {} on", i, fmt::join(x, ","), axis));
    KernelCase norm(Op::LayerNormalization, NormParams{axis, draw.one_of({1e-5, 1e-6, 1e-2})});
    norm.input(random_tensor(x, 4));
    if (draw.coin()) norm.constant(random_tensor(rest, 1, "scale"));
    else if (draw.coin()) norm.input(random_tensor(rest, 1, "scale")).input(random_tensor(rest, 1, "shift"));
    tally.add(norm.check_all([](const std::string&) { return 1e-6; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::LayerNormalization, 60);
}

TEST(RandomNormalize, BatchNormalizationAgreesWithReference) {
  Draw draw("batch_norm");
  Tally tally;
  for (int i = 0; i < 60; ++i) {
    Shape x = draw_shape(draw, 2);
    x[1] = draw.from(1, 50);
    const Shape channels{x[1]};
    Tensor variance = random_tensor(channels, 0.9f, "variance");
    for (float& v : variance.data<float>()) v += 1;
    SCOPED_TRACE(fmt::format("case {}: [{}]", i, fmt::join(x, ",")));
    KernelCase norm(Op::BatchNormalization, EpsilonParams{draw.one_of({1e-5, 1e-3})});
    norm.input(random_tensor(x, 3));
    for (const char* const each : {"scale", "shift", "mean"}) norm.constant(random_tensor(channels, 1, each));
    tally.add(norm.constant(variance).check_all([](const std::string&) { return 1e-6; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::BatchNormalization, 60);
}

TEST(RandomNormalize, ReduceAgreesWithReference) {
  using enum ReduceFunction;
  Draw draw("reduce");
  Tally tally;
  for (int i = 0; i < 120; ++i) {
    const Shape x = draw_shape(draw, 1);
    const int64_t first = draw.from(0, std::ssize(x) - 1), last = draw.from(first, std::ssize(x) - 1);
    Ints axes;
    for (int64_t axis = first; axis <= last; ++axis) {
      if (axis == first || !draw.once_in(8)) axes.push_back(axis);
    }
    const ReduceParams params{draw.one_of({mean, sum, max, min, prod}), axes, draw.coin()};
    Tensor values = random_tensor(x, 1.5f);
    if (params.function == prod) {
      for (float& v : values.data<float>()) v = 1 + v / 100;  // so that products of thousands stay in range
    } else if (draw.once_in(4)) {
      values.data<float>()[static_cast<size_t>(draw.from(0, values.count() - 1))] = std::numeric_limits<float>::quiet_NaN();
    }
    SCOPED_TRACE(fmt::format("case {}: {} of [{}] along [{}]", i, name(params.function), fmt::join(x, ","), fmt::join(axes, ",")));
    KernelCase reduction(Op::Reduce, params);
    reduction.input(values);
    if (params.function == sum || params.function == mean) reduction.judged_by_terms();
    tally.add(reduction.check_all([&](const std::string&) { return params.function == prod ? 5e-5 : 1e-6; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Reduce, 90);
}

}  // namespace
}  // namespace ropeway::test
