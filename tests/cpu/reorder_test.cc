#include "cpu/kernels/reorder.h"

#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

const Shape kShapes[] = {{1, 1, 1}, {2, 3, 5}, {1, 16, 49}, {2, 17, 7, 9}, {1, 37, 3, 2}, {1, 33, 40, 41}, {1, 64, 28, 28}, {0, 8, 4}, {2, 5, 3, 2, 3}};

TEST(Reorder, ToBlockedAndBack) {
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    for (const Shape& shape : kShapes) {
      for_each_target([&] {
        const Tensor tensor = random_tensor(shape);
        Placed blocked(tensor.type(), cpu::Layout::blocked, 0);
        cpu::to_blocked(tensor.data<float>().data(), static_cast<float*>(blocked.data()), shape, pool);
        expect_close(blocked.plain(), tensor, 0);

        // Back, from a blocked tensor whose pads hold something.
        Placed from(tensor, cpu::Layout::blocked, 0), plain(tensor.type(), cpu::Layout::plain, 4);
        cpu::to_plain(static_cast<const float*>(from.data()), static_cast<float*>(plain.data()), shape, pool);
        expect_close(plain.plain(), tensor, 0);
      });
    }
  }
}

TEST(Reorder, PaddingIsZero) {
  ThreadPool pool(2);
  const Shape shape{2, 19, 5, 7};
  const Tensor tensor = random_tensor(shape);
  const auto expect_zeros = [&](const float* blocked) {
    for (int64_t i = 0; i < 2 * 2 * 35; ++i) {
      if (i / 35 % 2 == 0) continue;  // whole block
      for (int64_t c = 3; c < 16; ++c) ASSERT_EQ(blocked[i * 16 + c], 0.0f) << i << " " << c;
    }
  };
  for_each_target([&] {
    Placed made(tensor.type(), cpu::Layout::blocked, 0);
    cpu::to_blocked(tensor.data<float>().data(), static_cast<float*>(made.data()), shape, pool);
    expect_zeros(static_cast<const float*>(made.data()));
    Placed cleared(tensor, cpu::Layout::blocked, 0);
    cpu::clear_padding(static_cast<float*>(cleared.data()), shape, pool);
    expect_zeros(static_cast<const float*>(cleared.data()));
    expect_close(cleared.plain(), tensor, 0);
  });
}

TEST(Reorder, Transpose2d) {
  for_each_target([] {
    for (const int64_t rows : {1, 3, 4, 15, 16, 17, 50}) {
      for (const int64_t columns : {1, 3, 4, 7, 33}) {
        const int64_t in_stride = columns + 2, out_stride = rows + 3;
        const Tensor in = random_tensor({rows, in_stride});
        std::vector<float> out(static_cast<size_t>(columns * out_stride), -9.0f);
        cpu::transpose_2d(in.data<float>().data(), in_stride, out.data(), out_stride, rows, columns);
        for (int64_t i = 0; i < columns * out_stride; ++i) {
          const int64_t row = i % out_stride, column = i / out_stride;
          ASSERT_EQ(out[static_cast<size_t>(i)], row < rows ? in.data<float>()[static_cast<size_t>(row * in_stride + column)] : -9.0f) << rows << "x" << columns;
        }
      }
    }
  });
}

}  // namespace
}  // namespace ropeway::test
