// The cases of tests/cases, with what real PyTorch computed for them: the oracle of references and backends alike.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "ir/text.h"
#include "ops/convert.h"
#include "ops/operator.h"

namespace ropeway::test {

struct Case {
  std::string file;  // "Conv": the operator that it is about
  Graph graph;       // its name is the case's
  std::vector<Tensor> inputs;
  std::vector<Tensor> expected;  // by PyTorch, in the order of the graph's outputs

  std::string name() const { return file + "_" + graph.name; }
};

inline void PrintTo(const Case& each, std::ostream* stream) { *stream << each.file << "/" << each.graph.name; }

// What an input of a case holds: uniform(its name), between -2 and 2, or whole numbers between -9 and 9.
inline Tensor case_input(const Value& value) {
  const DType dtype = value.type.dtype;
  const bool floating = dtype == DType::f32 || dtype == DType::f64;
  return uniform_tensor(value.type, value.name, dtype == DType::boolean ? 1 : floating ? 2 : 9);
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

inline std::vector<Case> load_cases(const std::string& file) {
  const std::filesystem::path data = ROPEWAY_TEST_DATA;
  const Graph golden = parse_graph(read_text(data / "golden" / "ops" / (file + ".txt")));
  const std::string text = "\n" + read_text(data / "cases" / (file + ".txt"));
  std::vector<Case> cases;
  for (size_t at = text.find("\ngraph "); at != std::string::npos;) {
    const size_t next = text.find("\ngraph ", at + 1);
    Case each{file, parse_graph(text.substr(at, next - at), infer), {}, {}};
    for (const ValueId id : each.graph.inputs) each.inputs.push_back(case_input(each.graph.value(id)));
    for (const ValueId id : each.graph.outputs) {
      const std::string wanted = each.graph.name + "/" + each.graph.value(id).name;
      for (const Value& value : golden.values) {
        if (value.name == wanted) each.expected.push_back(*value.constant);
      }
    }
    ensure(each.expected.size() == each.graph.outputs.size(), "{}/{} has no golden numbers: run tools/golden_ops.py", file, each.graph.name);
    cases.push_back(std::move(each));
    at = next;
  }
  return cases;
}

// The cases of every operator, in the order of ops.def.
inline std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Op op : all_ops()) {
    for (Case& each : load_cases(name(op))) cases.push_back(std::move(each));
  }
  return cases;
}

// Same type; NaN where NaN is expected, infinities equal, and no element further off than `tolerance` times the largest finite magnitude.
// Integers and booleans must be equal.
inline testing::AssertionResult close_to(const Tensor& actual, const Tensor& expected, double tolerance) {
  if (actual.type() != expected.type()) return testing::AssertionFailure() << to_string(actual.type()) << " where " << to_string(expected.type()) << " is expected";
  const bool floating = actual.dtype() == DType::f32 || actual.dtype() == DType::f64;
  if (!floating) {
    for (size_t i = 0, size = size_of(actual.dtype()); i < static_cast<size_t>(actual.count()); ++i) {
      if (!std::equal(actual.raw() + i * size, actual.raw() + (i + 1) * size, expected.raw() + i * size)) return testing::AssertionFailure() << "element " << i << " differs";
    }
    return testing::AssertionSuccess();
  }
  const Tensor wide_actual = convert(actual, DType::f64), wide_expected = convert(expected, DType::f64);
  const auto a = wide_actual.data<double>(), b = wide_expected.data<double>();
  double largest = 0;
  for (const double value : b) largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool same = std::isfinite(b[i]) ? std::fabs(a[i] - b[i]) <= tolerance * largest : std::isnan(b[i]) ? std::isnan(a[i]) : a[i] == b[i];
    if (!same) return testing::AssertionFailure() << "element " << i << " is " << a[i] << " where " << b[i] << " is expected (largest " << largest << ")";
  }
  return testing::AssertionSuccess();
}

}  // namespace ropeway::test
