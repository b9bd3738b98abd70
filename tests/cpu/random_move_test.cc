// Every implementation of operators that move elements, on random shapes.
#include <numeric>

#include "support/kernel_harness.h"
#include "support/random_cases.h"

namespace ropeway::test {
namespace {

double exact(const std::string&) { return 0; }

Shape draw_shape(Draw& draw, int64_t least_dimensions) { return draw.any_shape(least_dimensions, 5, 200); }

TEST(RandomMove, TransposeAndExpandAgreeWithReference) {
  Draw draw("transpose");
  Tally tally;
  for (int i = 0; i < 80; ++i) {
    const Shape x = draw_shape(draw, 0);
    Ints perm(x.size());
    std::iota(perm.begin(), perm.end(), 0);
    for (int64_t d = std::ssize(perm) - 1; d > 0; --d) std::swap(perm[static_cast<size_t>(d)], perm[static_cast<size_t>(draw.from(0, d))]);
    SCOPED_TRACE(fmt::format("case {}: [{}] by [{}]", i, fmt::join(x, ","), fmt::join(perm, ",")));
    tally.add(KernelCase(Op::Transpose, PermParams{perm}).input(random_tensor(x)).check_all(exact));
    Shape part = x;
    for (int64_t& size : part) size = draw.coin() ? 1 : size;
    part.erase(part.begin(), part.begin() + draw.from(0, std::ssize(part)));
    tally.add(KernelCase(Op::Expand, ShapeParams{x}).input(random_tensor(part)).check_all(exact));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Transpose, 80);
  tally.expect_all(Op::Expand, 80);
}

TEST(RandomMove, SliceAndPadAgreeWithReference) {
  Draw draw("slice");
  Tally tally;
  for (int i = 0; i < 80; ++i) {
    const Shape x = draw_shape(draw, 1);
    SliceParams slice;
    PadParams pad{"constant", Ints(2 * x.size()), 0.5};
    for (size_t d = 0; d < x.size(); ++d) {
      const int64_t low = draw.from(0, x[d] - 1), high = draw.from(low, x[d] - 1), step = draw.from(1, 3);
      const bool backwards = draw.once_in(3);
      slice.starts.push_back(backwards ? high : low), slice.ends.push_back(backwards ? low - 1 : high + 1), slice.steps.push_back(backwards ? -step : step);
      const int64_t begin = draw.from(std::max<int64_t>(-3, -x[d]), 4);
      pad.pads[d] = begin, pad.pads[d + x.size()] = draw.from(std::max<int64_t>(-3, -x[d] - begin), 4);
    }
    SCOPED_TRACE(fmt::format("case {}: [{}] from [{}] to [{}] by [{}], pads [{}]", i, fmt::join(x, ","), fmt::join(slice.starts, ","), fmt::join(slice.ends, ","), fmt::join(slice.steps, ","),
                             fmt::join(pad.pads, ",")));
    tally.add(KernelCase(Op::Slice, slice).input(random_tensor(x)).check_all(exact));
    tally.add(KernelCase(Op::Pad, pad).input(random_tensor(x)).check_all(exact));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Slice, 80);
  tally.expect_all(Op::Pad, 80);
}

TEST(RandomMove, ConcatAndSplitAgreeWithReference) {
  Draw draw("concat");
  Tally tally;
  for (int i = 0; i < 80; ++i) {
    Shape x = draw_shape(draw, 1);
    const bool blocks = x.size() >= 3 && draw.coin();  // of channels
    const int64_t axis = blocks ? 1 : draw.from(0, std::ssize(x) - 1);
    SplitParams split{axis, {}};
    for (int64_t parts = draw.from(1, 4); parts > 0; --parts) split.split.push_back(blocks ? 16 * draw.from(1, 3) : draw.from(0, 20));
    if (blocks && draw.coin()) split.split.back() = draw.from(1, 40);
    SCOPED_TRACE(fmt::format("case {}: [{}], of dimension {} [{}]", i, fmt::join(x, ","), axis, fmt::join(split.split, ",")));
    KernelCase concat(Op::Concat, AxisParams{axis});
    for (const int64_t size : split.split) {
      x[static_cast<size_t>(axis)] = size;
      concat.input(random_tensor(x, 1, fmt::format("part {}", size)));
    }
    tally.add(concat.check_all(exact));
    x[static_cast<size_t>(axis)] = std::accumulate(split.split.begin(), split.split.end(), int64_t{0});
    if (split.split.size() > 1) tally.add(KernelCase(Op::Split, split).input(random_tensor(x)).check_all(exact));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Concat, 15);
  tally.expect_all(Op::Split, 40);
}

TEST(RandomMove, GatherAgreesWithReference) {
  Draw draw("gather");
  Tally tally;
  for (int i = 0; i < 60; ++i) {
    const Shape x = draw_shape(draw, 1), wanted = draw.shape(draw.from(0, 2), 1, 6);
    const int64_t axis = draw.from(0, std::ssize(x) - 1), size = x[static_cast<size_t>(axis)];
    Tensor indices({DType::i64, wanted});
    for (int64_t& index : indices.data<int64_t>()) index = draw.from(-size, size - 1);
    SCOPED_TRACE(fmt::format("case {}: [{}] along {}, [{}] indices", i, fmt::join(x, ","), axis, fmt::join(wanted, ",")));
    KernelCase gather(Op::Gather, AxisParams{axis});
    gather.input(random_tensor(x));
    draw.coin() ? gather.constant(indices) : gather.input(draw.coin() ? convert(indices, DType::i32) : indices);
    tally.add(gather.check_all(exact));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Gather, 60);
}

TEST(RandomMove, CopiesAgreeWithReference) {
  Draw draw("copy");
  Tally tally;
  for (int i = 0; i < 40; ++i) {
    const Shape x = draw_shape(draw, 0);
    SCOPED_TRACE(fmt::format("case {}: [{}]", i, fmt::join(x, ",")));
    tally.add(KernelCase(Op::Identity, NoParams{}).input(random_tensor(x)).check_all(exact));
    tally.add(KernelCase(Op::Reshape, ShapeParams{{element_count(x)}}).input(random_tensor(x)).check_all(exact));
    tally.add(KernelCase(Op::Dropout, DropoutParams{}).input(random_tensor(x)).check_all(exact));
    if (HasFailure()) return;
  }
  for (const Op op : {Op::Identity, Op::Reshape, Op::Dropout}) tally.expect_all(op, 40);
}

}  // namespace
}  // namespace ropeway::test
