// Every implementation of convolution on random sizes.
#include "support/kernel_harness.h"
#include "support/random_cases.h"

namespace ropeway::test {
namespace {

struct RandomConv {
  Shape x, w;
  ConvParams params;
};

enum class Kind { any, one_dimension, three_taps, five_taps, strided_stem, depthwise, few_outputs, pointwise, grouped };
constexpr int kKinds = 9;

// An image of at least the size that gives one output.
int64_t extent(int64_t drawn, int64_t taps, int64_t dilation, int64_t pads) { return std::max(drawn, dilation * (taps - 1) + 1 - pads); }

RandomConv draw_any(Draw& draw, Kind kind) {
  Ints kernel = draw.shape(2, 1, 5), strides = draw.shape(2, 1, 3), dilations = draw.shape(2, 1, 3), pads = draw.shape(4, 0, 4);
  int64_t group = 1, in = draw.from(1, 40), out = draw.from(1, 40);
  const Ints ones{1, 1};
  switch (kind) {
    case Kind::any:
    case Kind::one_dimension: break;
    case Kind::three_taps:
    case Kind::five_taps: {
      const int64_t taps = kind == Kind::three_taps ? 3 : 5;
      kernel = {taps, taps}, strides = dilations = ones, in = draw.from(16, 40);
      break;
    }
    case Kind::strided_stem: {
      const int64_t stride = draw.from(2, 4), taps = draw.from(2 * stride + 1, 5 * stride);
      kernel = {taps, taps}, strides = {stride, stride}, dilations = ones, in = draw.from(1, 4), pads = draw.shape(4, 0, 8);
      break;
    }
    case Kind::depthwise: group = in = out = draw.from(2, 40), kernel = draw.shape(2, 1, 7), dilations = draw.coin() ? ones : dilations; break;
    case Kind::few_outputs: out = draw.from(1, 8), strides[1] = 1; break;
    case Kind::pointwise: kernel = strides = ones, pads = draw.coin() ? Ints{0, 0, 0, 0} : pads; break;
    case Kind::grouped: group = draw.from(2, 5), in = group * draw.from(1, 8), out = group * draw.from(1, 8); break;
  }
  Shape x{draw.from(1, 3), in, extent(draw.from(1, 20), kernel[0], dilations[0], pads[0] + pads[2]), extent(draw.from(1, 20), kernel[1], dilations[1], pads[1] + pads[3])};
  if (kind == Kind::one_dimension) {
    return {{x[0], in, x[3]}, {out, in, kernel[1]}, {{strides[1]}, {pads[1], pads[3]}, {dilations[1]}, 1}};
  }
  return {x, {out, in / group, kernel[0], kernel[1]}, {strides, pads, dilations, group}};
}

Shape output_of(const RandomConv& conv) {
  const TensorType x{DType::f32, conv.x}, w{DType::f32, conv.w};
  return infer(Op::Conv, conv.params, {&x, &w}).front().shape;
}

// Small enough for plain loops.
RandomConv draw_conv(Draw& draw, Kind kind) {
  for (;;) {
    const RandomConv conv = draw_any(draw, kind);
    if (element_count(output_of(conv)) * element_count(std::span(conv.w).subspan(1)) < 1'500'000) return conv;
  }
}

std::string to_text(const RandomConv& conv) {
  const ConvParams& p = conv.params;
  return fmt::format("[{}] by [{}], strides {}, pads {}, dilations {}, {} groups", fmt::join(conv.x, ","), fmt::join(conv.w, ","), fmt::join(p.strides, ","), fmt::join(p.pads, ","), fmt::join(p.dilations, ","), p.group);
}

KernelCase drawn_case(Draw& draw, const RandomConv& conv, Tensor x) {
  KernelCase result(Op::Conv, conv.params);
  result.input(std::move(x)).constant(random_tensor(conv.w, 1, "w"));
  if (draw.coin()) result.constant(random_tensor({conv.w[0]}, 1, "b"));
  if (draw.once_in(3)) result.residual(random_tensor(output_of(conv), 1, "r"));
  const UnaryParams activations[] = {{UnaryFunction::relu, 0, 0}, {UnaryFunction::clip, -1, 2}, {UnaryFunction::hard_swish, 0, 0}, {UnaryFunction::gelu, 0, 0}};
  const int64_t chosen = draw.from(0, 5);  // a clamp more often: not every implementation takes the others
  if (chosen > 0) result.activation(activations[chosen > 3 ? chosen - 4 : chosen - 1 == 2 && draw.coin() ? 3 : chosen - 1]);
  result.judged_by_terms();
  return result;
}

// Of the largest sum of absolute terms.
double tolerance_of(const std::string& name) { return name.starts_with("conv.winograd") || name == "conv.folded" ? 2e-6 : 1e-6; }

TEST(RandomConv, AgreesWithReference) {
  Draw draw("conv");
  Tally tally;
  for (int i = 0; i < 126; ++i) {
    const RandomConv conv = draw_conv(draw, static_cast<Kind>(i % kKinds));
    SCOPED_TRACE(fmt::format("case {}: {}", i, to_text(conv)));
    KernelCase drawn = drawn_case(draw, conv, random_tensor(conv.x));
    const bool half = draw.once_in(3);
    if (half) drawn.half_weights();
    // What that one rounds is the transform of the weights.
    tally.add(drawn.check_all([&](const std::string& name) { return half && name == "conv.winograd_f2x3" ? 5e-4 : tolerance_of(name); }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Conv, 8);
}

// NaN and infinities somewhere, the first or last pixel among them. Implementations in tiles and those that read a neighbouring group's channels give NaN for more than
// reads it, but never lose one, and never give a wrong number.
TEST(RandomConv, NaNAndInfinityAreNeverLost) {
  Draw draw("odd conv");
  Tally tally;
  for (int i = 0; i < 90; ++i) {
    const RandomConv conv = draw_conv(draw, static_cast<Kind>(i % kKinds));
    SCOPED_TRACE(fmt::format("case {}: {}", i, to_text(conv)));
    Tensor x = random_tensor(conv.x);
    const std::span<float> elements = x.data<float>();
    const auto last = static_cast<int64_t>(elements.size()) - 1;
    for (int64_t odd = draw.from(1, 2); odd > 0; --odd) {
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      elements[static_cast<size_t>(draw.once_in(3) ? draw.one_of<int64_t>({0, last}) : draw.from(0, last))] = draw.one_of({std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity});
    }
    std::vector<std::string> spreading = {"conv.folded", "conv.winograd_f4x3", "conv.winograd_f2x3", "conv.winograd_f3x5"};
    if (conv.params.group > 1) spreading.push_back("conv.direct");
    tally.add(drawn_case(draw, conv, x).nan_may_spread_in(spreading).check_all(tolerance_of));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Conv, 4);
}

}  // namespace
}  // namespace ropeway::test
