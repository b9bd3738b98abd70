// Every implementation of element-wise operators on random shapes.
#include "support/kernel_harness.h"
#include "support/random_cases.h"

namespace ropeway::test {
namespace {

constexpr double kOneRoundingTo16Bits = 1e-3;

Shape draw_shape(Draw& draw) { return draw.any_shape(0, 5, 300); }

// One that broadcasts to `shape`: some dimensions are 1, some of the first are left out.
Shape draw_smaller(Draw& draw, Shape shape) {
  for (int64_t& size : shape) size = draw.coin() ? 1 : size;
  if (draw.coin()) shape.erase(shape.begin(), shape.begin() + draw.from(0, std::ssize(shape)));
  return shape;
}

TEST(RandomElementwise, UnaryAgreesWithReference) {
  Draw draw("unary");
  Tally tally;
  for (int i = 0; i < 4 * static_cast<int>(UnaryFunction::logical_not); ++i) {
    const auto function = static_cast<UnaryFunction>(i / 4);
    const Shape x = draw_shape(draw);
    SCOPED_TRACE(fmt::format("{} of [{}]", name(function), fmt::join(x, ",")));
    KernelCase unary(Op::Unary, UnaryParams{function, 0.2, 0.5});
    unary.input(random_tensor(x, 3));
    const bool rounds = draw.once_in(4);
    if (rounds) unary.rounded();
    tally.add(unary.check_all([&](const std::string&) { return rounds ? kOneRoundingTo16Bits : 1e-6; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Unary, 100);
}

TEST(RandomElementwise, BinaryAgreesWithReference) {
  using enum BinaryFunction;
  Draw draw("binary");
  Tally tally;
  for (int i = 0; i < 160; ++i) {
    const auto function = draw.one_of({add, sub, mul, div, pow, mod, min, max, prelu});
    Shape a = draw_shape(draw), b = draw.once_in(3) ? a : draw.coin() ? Shape(static_cast<size_t>(draw.from(0, 2)), 1) : draw_smaller(draw, a);
    if (draw.coin()) std::swap(a, b);
    SCOPED_TRACE(fmt::format("case {}: {} of [{}] and [{}]", i, name(function), fmt::join(a, ","), fmt::join(b, ",")));
    KernelCase binary(Op::Binary, BinaryParams{function});
    binary.input(random_tensor(a, 3, "a"));
    const Tensor other = random_tensor(b, 3, "b");
    draw.once_in(3) ? binary.constant(other) : binary.input(other);
    if (function <= mul && draw.once_in(3)) binary.activation(draw.one_of<UnaryParams>({{UnaryFunction::relu, 0, 0}, {UnaryFunction::clip, -1, 2}, {UnaryFunction::gelu, 0, 0}}));
    const bool rounds = function <= mul && draw.once_in(4);
    if (rounds) binary.rounded();
    tally.add(binary.check_all([&](const std::string&) { return rounds ? kOneRoundingTo16Bits : 1e-6; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Binary, 50);
}

TEST(RandomElementwise, WhereAgreesWithReference) {
  Draw draw("where");
  Tally tally;
  for (int i = 0; i < 60; ++i) {
    const Shape out = draw_shape(draw);
    Shape shapes[] = {out, out, out};
    for (int64_t change = draw.from(0, 2); change > 0; --change) {
      Shape& shape = shapes[draw.from(0, 2)];
      shape = draw_smaller(draw, shape);
    }
    const auto& [condition, x, y] = shapes;
    SCOPED_TRACE(fmt::format("case {}: [{}] ? [{}] : [{}]", i, fmt::join(condition, ","), fmt::join(x, ","), fmt::join(y, ",")));
    tally.add(KernelCase(Op::Where, NoParams{}).input(random_flags(condition)).input(random_tensor(x, 1, "x")).input(random_tensor(y, 1, "y")).check_all([](const std::string&) { return 0; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Where, 60);
}

TEST(RandomElementwise, CastAgreesWithReference) {
  Draw draw("cast");
  Tally tally;
  for (int i = 0; i < 80; ++i) {
    const Tensor x = random_tensor(draw_shape(draw), draw.coin() ? 1.0f : 1e5f);
    const auto from = draw.one_of({DType::f32, DType::f16}), to = draw.one_of({DType::f32, DType::f16});
    SCOPED_TRACE(fmt::format("case {}: {} of [{}] to {}", i, name(from), fmt::join(x.shape(), ","), name(to)));
    KernelCase cast(Op::Cast, CastParams{to});
    cast.input(convert(x, from));
    if (from == DType::f32 && to == DType::f16 && draw.coin()) cast.rounded();
    tally.add(cast.check_all([](const std::string&) { return 0; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Cast, 5);
}

}  // namespace
}  // namespace ropeway::test
