// Randomly drawn cases: the same in every run. `Tally` sees to it that no implementation is left out, say because it declines everything by mistake.
#pragma once

#include <gtest/gtest.h>

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
