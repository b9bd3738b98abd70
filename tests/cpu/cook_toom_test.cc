// The matrices of Winograd convolution, and the transforms that are made of them.
#include "cpu/kernels/cook_toom.h"

#include "cpu/kernels/winograd.h"
#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

template <size_t kRows, size_t kColumns>
std::vector<double> times(const std::array<std::array<double, kColumns>, kRows>& matrix, const std::vector<double>& x) {
  std::vector<double> y(kRows, 0.0);
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t j = 0; j < kColumns; ++j) y[i] += matrix[i][j] * x[j];
  }
  return y;
}

std::vector<double> butterfly(std::vector<double> x, int pairs) {
  for (size_t i = 1; i < 2 * static_cast<size_t>(pairs); i += 2) {
    const double even = x[i], odd = x[i + 1];
    x[i] = even + odd;
    x[i + 1] = even - odd;
  }
  return x;
}

// What the header says the matrices compute is a correlation.
template <int m, int r>
void expect_correlation() {
  using Points = cpu::CookToom<m, r>;
  SCOPED_TRACE(fmt::format("F({}, {})", m, r));
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<double> d, g;
    for (uint64_t i = 0; i < Points::kPoints; ++i) d.push_back(static_cast<double>(random_uniform(seed, i)));
    for (uint64_t i = 0; i < r; ++i) g.push_back(static_cast<double>(random_uniform(seed + 100, i)));
    std::vector<double> product = butterfly(times(Points::input(), d), Points::kPairs);
    const std::vector<double> u = butterfly(times(Points::filter(), g), Points::kPairs);
    for (size_t i = 0; i < product.size(); ++i) product[i] *= u[i];
    const std::vector<double> y = times(Points::output(), butterfly(product, Points::kPairs));
    for (size_t i = 0; i < m; ++i) {
      double exact = 0;
      for (size_t k = 0; k < r; ++k) exact += g[k] * d[i + k];
      EXPECT_NEAR(y[i], exact, 1e-12) << "output " << i;
    }
  }
}

TEST(CookToom, IsCorrelation) {
  expect_correlation<2, 3>();
  expect_correlation<4, 3>();
  expect_correlation<4, 4>();
  expect_correlation<3, 5>();
}

// One image of 64 channels convolved by the transforms, to 16 channels, without padding; the products between them in plain f32. Returns the largest error over the
// largest value.
double error_of(cpu::WinogradForm form, uint64_t seed) {
  constexpr int64_t kChannels = 64, kTilesAcross = 3, kTiles = kTilesAcross * kTilesAcross, kBlocks = kChannels / 16;
  const cpu::WinogradSizes sizes = cpu::winograd_sizes(form);
  const int64_t m = sizes.outputs, r = sizes.taps, points = sizes.points(), out = kTilesAcross * m, in = out + r - 1;
  std::vector<float> x(static_cast<size_t>(kChannels * in * in)), w(static_cast<size_t>(kChannels * r * r * 16));
  fill_uniform(x, seed), fill_uniform(w, seed + 1);
  const auto at = [](auto& values, int64_t i) -> auto& { return values[static_cast<size_t>(i)]; };
  std::vector<float> filters(static_cast<size_t>(points * kChannels * 16)), tiles(static_cast<size_t>(points * kBlocks * kTiles * 16)), products(static_cast<size_t>(points * kTiles * 16), 0.0f);
  for (int64_t c = 0; c < kChannels; ++c) cpu::winograd_filter(form, &at(w, c * r * r * 16), &at(filters, c * 16), kChannels * 16);
  cpu::WinogradInput input;
  input.images = {in, in, in * in * 16, kBlocks * in * in * 16, kTilesAcross, kTilesAcross};
  input.from = x.data(), input.to = tiles.data(), input.count = kTiles, input.last_block = kBlocks, input.point_stride = kBlocks * kTiles * 16;
  cpu::winograd_input(form, input);
  for (int64_t point = 0; point < points; ++point) {
    for (int64_t tile = 0; tile < kTiles; ++tile) {
      for (int64_t c = 0; c < kChannels; ++c) {
        const float element = at(tiles, point * input.point_stride + (c / 16 * kTiles + tile) * 16 + c % 16);
        for (int64_t o = 0; o < 16; ++o) at(products, (point * kTiles + tile) * 16 + o) += element * at(filters, (point * kChannels + c) * 16 + o);
      }
    }
  }
  std::vector<float> y(static_cast<size_t>(out * out * 16));
  const std::vector<float> bias(16, 0.0f);
  cpu::WinogradOutput output;
  output.images = {out, out, out * out * 16, out * out * 16, kTilesAcross, kTilesAcross};
  output.from = products.data(), output.point_stride = kTiles * 16, output.count = kTiles, output.blocks = 1, output.bias = bias.data(), output.to = y.data();
  output.low = -std::numeric_limits<float>::infinity(), output.high = std::numeric_limits<float>::infinity();
  cpu::winograd_output(form, output);
  double largest = 0, error = 0;
  for (int64_t i = 0; i < out * out * 16; ++i) {
    const int64_t o = i % 16, left = i / 16 % out, top = i / 16 / out;
    double exact = 0;
    for (int64_t c = 0; c < kChannels; ++c) {
      for (int64_t tap = 0; tap < r * r; ++tap) {
        const int64_t pixel = (top + tap / r) * in + left + tap % r;
        exact += static_cast<double>(at(x, (c / 16 * in * in + pixel) * 16 + c % 16)) * static_cast<double>(at(w, (c * r * r + tap) * 16 + o));
      }
    }
    largest = std::max(largest, std::fabs(exact));
    error = std::max(error, std::fabs(exact - static_cast<double>(at(y, i))));
  }
  return error / largest;
}

// As cook_toom.h states them.
TEST(CookToom, ErrorsAreAsStated) {
  const std::pair<cpu::WinogradForm, double> stated[] = {{cpu::WinogradForm::f2x3, 5e-7}, {cpu::WinogradForm::f4x3, 2e-6}, {cpu::WinogradForm::f4x4, 4.5e-6}, {cpu::WinogradForm::f3x5, 5e-6}};
  for (const auto& [form, bound] : stated) {
    const cpu::WinogradSizes sizes = cpu::winograd_sizes(form);
    SCOPED_TRACE(fmt::format("F({}, {})", sizes.outputs, sizes.taps));
    for_each_target([&] {
      for (const uint64_t seed : {1, 2, 3}) EXPECT_LE(error_of(form, seed), bound);
    });
  }
}

}  // namespace
}  // namespace ropeway::test
