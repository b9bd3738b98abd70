// Randomly drawn cases: the same in every run. `Tally` sees to it that no implementation is left out, say because it declines everything by mistake.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "cpu/kernel.h"

namespace ropeway::test {

class Draw {
 public:
  explicit Draw(const char* name) : seed_(stream_seed(name)) {}
  // One of low … high.
  int64_t from(int64_t low, int64_t high) { return low + static_cast<int64_t>(random_bits(seed_, next_++) % static_cast<uint64_t>(high - low + 1)); }
  // True once in `times`.
  bool once_in(int64_t times) { return from(1, times) == 1; }
  bool coin() { return once_in(2); }
  template <class T>
  T one_of(std::initializer_list<T> list) { return list.begin()[from(0, static_cast<int64_t>(list.size()) - 1)]; }
  // So many dimensions of low … high.
  Shape shape(int64_t dimensions, int64_t low, int64_t high) {
    Shape result;
    for (int64_t i = 0; i < dimensions; ++i) result.push_back(from(low, high));
    return result;
  }
  // Small sizes, of which one may be longer; at most 10,000 elements.
  Shape any_shape(int64_t least_dimensions, int64_t most_dimensions, int64_t longest) {
    Shape result = shape(from(least_dimensions, most_dimensions), 1, 9);
    if (!result.empty() && coin()) result[static_cast<size_t>(from(0, std::ssize(result) - 1))] = from(10, longest);
    while (element_count(result) > 10'000) *std::ranges::max_element(result) /= 2;
    return result;
  }

 private:
  uint64_t seed_, next_ = 0;
};

class Tally {
 public:
  void add(const std::vector<std::string>& names) {
    for (const std::string& name : names) ++counts_[name];
  }
  // Every implementation of `op` but the reference served that many cases.
  void expect_all(Op op, int least) {
    const auto rows = cpu::implementations(op);
    for (const cpu::Implementation& row : rows.first(rows.size() - 1)) EXPECT_GE(counts_[row.name], least) << name(op) << ": " << row.name;
  }

 private:
  std::map<std::string, int> counts_;
};

}  // namespace ropeway::test
