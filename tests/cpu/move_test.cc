#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

using cpu::Layout;

TEST(Transpose, EveryPermutation) {
  for (const Shape& x : {Shape{5, 7, 3, 18}, Shape{2, 1, 33, 4}, Shape{1, 70, 130, 1}, Shape{3, 17, 5, 40}}) {
    Ints perm = {0, 1, 2, 3};
    do {
      SCOPED_TRACE(fmt::format("[{}] by [{}]", fmt::join(x, ","), fmt::join(perm, ",")));
      KernelCase(Op::Transpose, PermParams{perm}).input(random_tensor(x)).check("transpose", 0);
    } while (std::next_permutation(perm.begin(), perm.end()));
  }
  KernelCase(Op::Transpose, PermParams{{1, 0}}).input(random_tensor({197, 300})).check("transpose", 0);
  KernelCase(Op::Transpose, PermParams{{1, 0}}).input(random_tensor({0, 3})).check("transpose", 0);
  KernelCase(Op::Transpose, PermParams{{}}).input(random_tensor({})).check("transpose", 0);
  KernelCase(Op::Transpose, PermParams{{0, 2, 1}}).input(random_tensor({2, 257, 190})).check("transpose", 0);
}

TEST(Expand, Broadcasts) {
  const std::pair<Shape, Shape> cases[] = {{{1, 1, 64}, {3, 1, 64}}, {{5, 1}, {5, 33}}, {{33}, {4, 5, 33}}, {{}, {3, 7}}, {{2, 1, 3, 1}, {2, 4, 3, 17}}, {{1, 3}, {0, 3}}, {{3, 1, 5}, {3, 3000, 5}}};
  for (const auto& [x, out] : cases) {
    SCOPED_TRACE(fmt::format("[{}] to [{}]", fmt::join(x, ","), fmt::join(out, ",")));
    KernelCase(Op::Expand, ShapeParams{out}).input(random_tensor(x)).check("expand", 0);
  }
}

TEST(Slice, StartsEndsSteps) {
  const std::pair<Shape, SliceParams> cases[] = {
      {{5, 7, 9}, {{1, 0, 2}, {5, 7, 9}, {1, 1, 1}}}, {{5, 7, 9}, {{0, 6, 0}, {5, -1, 9}, {2, -2, 4}}},     {{5, 7, 9}, {{4, 2, 8}, {-1, 3, -1}, {-1, 1, -1}}},
      {{2, 197, 64}, {{0, 0, 0}, {2, 1, 64}, {1, 1, 1}}}, {{3, 4}, {{1, 4}, {2, 4}, {1, 1}}},               {{200, 400}, {{0, 1}, {200, 400}, {1, 2}}},
  };
  for (const auto& [x, params] : cases) {
    SCOPED_TRACE(fmt::format("[{}]", fmt::join(x, ",")));
    KernelCase(Op::Slice, params).input(random_tensor(x)).check("slice", 0);
  }
}

TEST(Pad, AddsAndCrops) {
  const std::pair<Shape, Ints> cases[] = {{{2, 3, 5, 7}, {0, 0, 1, 2, 0, 0, 3, 0}}, {{4, 9}, {-1, 2, 0, -3}}, {{4, 9}, {1, -10, 1, 3}}, {{3}, {0, 0}}, {{0, 2}, {1, 1, 1, 1}}, {{1, 8, 70, 80}, {0, 4, 1, 1, 0, 4, 1, 1}}};
  for (const auto& [x, pads] : cases) {
    SCOPED_TRACE(fmt::format("[{}] by [{}]", fmt::join(x, ","), fmt::join(pads, ",")));
    KernelCase(Op::Pad, PadParams{"constant", pads, 0.5}).input(random_tensor(x)).check("pad", 0);
  }
  EXPECT_NE(KernelCase(Op::Pad, PadParams{"edge", {1, 1}, 0}).input(random_tensor({4})).declines("pad"), "");
  KernelCase(Op::Pad, PadParams{"edge", {1, 1}, 0}).input(random_tensor({4})).check("reference", 0);
}

TEST(Concat, AnyAxis) {
  for (const int64_t axis : {0, 1, 2}) {
    Shape a{3, 5, 9}, b = a, none = a;
    b[static_cast<size_t>(axis)] = 4;
    none[static_cast<size_t>(axis)] = 0;
    KernelCase(Op::Concat, AxisParams{axis}).input(random_tensor(a, 1, "a")).input(random_tensor(none)).constant(random_tensor(b, 1, "b")).input(random_tensor(a, 1, "c")).check("concat", 0);
  }
  KernelCase(Op::Concat, AxisParams{0}).input(Tensor::of<int64_t>({2}, {1, 2})).input(Tensor::of<int64_t>({1}, {3})).check("concat", 0);
  KernelCase(Op::Concat, AxisParams{1}).input(random_tensor({40, 100, 9}, 1, "a")).input(random_tensor({40, 50, 9}, 1, "b")).check("concat", 0);
}

TEST(Concat, WholeBlocks) {
  const auto channels = [](int64_t n, const char* name) { return random_tensor({2, n, 5, 7}, 1, name); };
  const AxisParams axis{1};
  KernelCase(Op::Concat, axis).input(channels(16, "a")).input(channels(48, "b")).input(channels(21, "c")).check("concat.blocked", 0);
  EXPECT_NE(KernelCase(Op::Concat, axis).input(channels(21, "a")).input(channels(16, "b")).declines("concat.blocked"), "");
  EXPECT_NE(KernelCase(Op::Concat, axis).input(channels(16, "a")).constant(channels(16, "b")).declines("concat.blocked"), "");
  EXPECT_NE(KernelCase(Op::Concat, AxisParams{2}).input(channels(16, "a")).input(channels(16, "b")).declines("concat.blocked"), "");
}

TEST(Split, AnyAxis) {
  KernelCase(Op::Split, SplitParams{0, {1, 2}}).input(random_tensor({3, 5})).check("split", 0);
  KernelCase(Op::Split, SplitParams{1, {2, 0, 3}}).input(random_tensor({3, 5, 7})).check("split", 0);
  KernelCase(Op::Split, SplitParams{2, {64, 64, 64}}).input(random_tensor({2, 197, 192})).check("split", 0);
}

TEST(Gather, Rows) {
  const Tensor indices = Tensor::of<int64_t>({2, 3}, {0, 4, -1, 2, -5, 1});
  for (const int64_t axis : {0, 1}) {
    KernelCase(Op::Gather, AxisParams{axis}).input(random_tensor({5, 5, 7})).constant(indices).check("gather", 0);
  }
  KernelCase(Op::Gather, AxisParams{0}).input(random_tensor({50, 33})).input(Tensor::of<int32_t>({}, {3})).check("gather", 0);
  KernelCase(Op::Gather, AxisParams{0}).input(Tensor::of<int64_t>({3}, {7, 8, 9})).input(Tensor::of<int64_t>({2}, {2, 0})).check("gather", 0);
  KernelCase(Op::Gather, AxisParams{0}).input(random_tensor({3, 0})).input(Tensor::of<int64_t>({2}, {2, 0})).check("gather", 0);
}

TEST(Gather, IndexOutsideIsAnError) {
  for (const int64_t index : {5, -6}) {
    GraphBuilder builder("gather", "test");
    const ValueId x = builder.input("x", {DType::f32, {5, 2}}), i = builder.input("i", {DType::i64, {1}});
    builder.add1(Op::Gather, AxisParams{0}, {x, i}, "y");
    const cpu::Implementation& gather = cpu::implementations(Op::Gather).front();
    ThreadPool pool(1);
    const Tensor data = random_tensor({5, 2}), indices = Tensor::of<int64_t>({1}, {index});
    Tensor out({DType::f32, {1, 2}});
    const void* inputs[] = {data.raw(), indices.raw()};
    void* outputs[] = {out.raw()};
    const auto kernel = gather.make({builder.graph(), builder.graph().nodes[0], {}, Layout::plain, &pool});
    try {
      kernel->run(inputs, outputs, nullptr, pool);
      ADD_FAILURE() << "index " << index << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_NE(error.message().find(std::to_string(index)), std::string::npos) << error.message();
    }
  }
}

TEST(Copy, AnyDtypeAndLayout) {
  KernelCase(Op::Identity, NoParams{}).input(random_tensor({2, 19, 40, 41})).check("copy", 0, {Layout::plain, Layout::blocked});
  KernelCase(Op::Dropout, DropoutParams{0.5, false}).input(random_tensor({2, 19, 5, 7})).check("copy", 0, {Layout::plain, Layout::blocked});
  KernelCase(Op::Reshape, ShapeParams{{7, 10}}).input(random_tensor({2, 5, 7})).check("copy", 0);
  KernelCase(Op::Identity, NoParams{}).input(Tensor::of<uint8_t>({3}, {1, 2, 3})).check("copy", 0);
  KernelCase(Op::Identity, NoParams{}).input(random_tensor({0})).check("copy", 0);
  KernelCase(Op::Cast, CastParams{DType::f32}).input(random_tensor({5})).check("copy", 0);
  EXPECT_NE(KernelCase(Op::Cast, CastParams{DType::i64}).input(random_tensor({5})).declines("copy"), "");
  KernelCase(Op::Cast, CastParams{DType::i64}).input(random_tensor({5}, 9)).check("reference", 0);
}

}  // namespace
}  // namespace ropeway::test
