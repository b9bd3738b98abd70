// The matrices of Winograd's minimal filtering F(m, r): m outputs of an r-tap filter from m + r − 1 products.
#pragma once

#include <array>

namespace ropeway::cpu {

// Toom and Cook's construction: evaluate two polynomials at n = m + r − 1 points, multiply, interpolate (Lavin and Gray: Fast algorithms for convolutional neural
// networks, 2015; the points: Barabasz et al., Error analysis and improving the accuracy of Winograd convolution, 2020). The points are 0, pairs ±p, and infinity
// where n is even. What the pairs share is computed once: with B the butterfly that makes (e + o, e − o) of the rows (e, o) of each pair,
//   input  v = B · input() · d,   filter  u = B · filter() · g,   output  y = output() · B · (u ⊙ v).
template <int kOutputs, int kTaps>
struct CookToom {
  static constexpr int kPoints = kOutputs + kTaps - 1;
  static constexpr int kPairs = (kPoints - 1) / 2;
  static constexpr bool kInfinity = kPoints % 2 == 0;
  template <int kRows, int kColumns>
  using Matrix = std::array<std::array<double, kColumns>, kRows>;

  // Of the pairs. Chosen for small errors: in f32 over 64 channels less than 5e-7 of the largest value for n = 4, 2e-6 for 6, 5e-6 for 7. (For 8, the best points give 7e-6.)
  static constexpr double point(int pair) {
    constexpr double kHalfRoot = 0.70710678118654752440;
    constexpr double kOf4[] = {1}, kOf6[] = {kHalfRoot, 2 * kHalfRoot}, kOf7[] = {0.6, 1.2, 2};
    static_assert(kPoints == 4 || kPoints == 6 || kPoints == 7, "no points are chosen for this size");
    return kPoints == 4 ? kOf4[pair] : kPoints == 6 ? kOf6[pair] : kOf7[pair];
  }

  // Row 0 is the product of x² − q² over all pairs, infinity's the same times x; those of the pair p are x² and p·x times the product over the others.
  static constexpr Matrix<kPoints, kPoints> input() {
    Matrix<kPoints, kPoints> result{};
    const auto all = product(-1);
    for (int i = 0; i <= kPairs; ++i) {
      result[0][2 * i] = all[i];
      if (kInfinity) result[kPoints - 1][2 * i + 1] = all[i];
    }
    for (int pair = 0; pair < kPairs; ++pair) {
      const auto others = product(pair);
      for (int i = 0; i < kPairs; ++i) {
        result[1 + 2 * pair][2 * i + 2] = others[i];
        result[2 + 2 * pair][2 * i + 1] = point(pair) * others[i];
      }
    }
    return result;
  }

  static constexpr Matrix<kPoints, kTaps> filter() {
    Matrix<kPoints, kTaps> result{};
    result[0][0] = 1 / product(-1)[0];
    if (kInfinity) result[kPoints - 1][kTaps - 1] = 1;
    for (int pair = 0; pair < kPairs; ++pair) {
      const double p = point(pair);
      double scale = 2 * p * p;
      for (int other = 0; other < kPairs; ++other) scale *= other == pair ? 1 : p * p - point(other) * point(other);
      double power = 1 / scale;
      for (int k = 0; k < kTaps; ++k, power *= p) result[1 + 2 * pair + k % 2][k] = power;
    }
    return result;
  }

  static constexpr Matrix<kOutputs, kPoints> output() {
    Matrix<kOutputs, kPoints> result{};
    result[0][0] = 1;
    if (kInfinity) result[kOutputs - 1][kPoints - 1] = 1;
    for (int pair = 0; pair < kPairs; ++pair) {
      double power = 1;
      for (int i = 0; i < kOutputs; ++i, power *= point(pair)) result[i][1 + 2 * pair + i % 2] = power;
    }
    return result;
  }

 private:
  // Coefficients, by powers of x², of the product of x² − q² over all pairs but `without`.
  static constexpr std::array<double, kPairs + 1> product(int without) {
    std::array<double, kPairs + 1> result{1};
    for (int pair = 0, degree = 0; pair < kPairs; ++pair) {
      if (pair == without) continue;
      const double root = point(pair) * point(pair);
      for (int i = ++degree; i >= 0; --i) result[i] = (i > 0 ? result[i - 1] : 0) - root * (i < degree ? result[i] : 0);
    }
    return result;
  }
};

}  // namespace ropeway::cpu
