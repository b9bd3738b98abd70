#include "ops/window.h"

#include "ops/shape_util.h"

namespace ropeway {
namespace {

// Numbers beyond this make no sense and could overflow the arithmetic below.
constexpr int64_t kWindowLimit = int64_t{1} << 31;

void expect_all(const char* op, const char* what, const Ints& values, size_t count, int64_t least) {
  expect(values.size() == count, "{}: {} has {} numbers where {} are needed", op, what, values.size(), count);
  for (const int64_t value : values) expect(value >= least && value < kWindowLimit, "{}: {} [{}] must lie between {} and {}", op, what, fmt::join(values, ","), least, kWindowLimit - 1);
}

}  // namespace

void Window::check(const char* op, size_t spatial) const {
  expect(spatial >= 1 && spatial <= 3, "{}: an input with {} spatial dimensions; 1 to 3 are possible", op, spatial);
  expect_all(op, "kernel", kernel, spatial, 1);
  expect_all(op, "strides", strides, spatial, 1);
  expect_all(op, "dilations", dilations, spatial, 1);
  expect_all(op, "pads", pads, 2 * spatial, 0);
}

int64_t Window::output_size(const char* op, size_t d, int64_t input, bool ceil_mode) const {
  const int64_t begin = pads[d], end = pads[d + kernel.size()];
  const int64_t room = input + begin + end - extent(d) + (ceil_mode ? strides[d] - 1 : 0);
  expect(room >= 0, "{}: a window of {} is larger than the padded image of {} along spatial dimension {}", op, extent(d), input + begin + end, d);
  int64_t size = room / strides[d] + 1;
  if (ceil_mode && size > 1 && (size - 1) * strides[d] >= input + begin) --size;
  return size;
}

}  // namespace ropeway
