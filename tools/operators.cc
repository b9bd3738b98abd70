// Writes docs/operators.md: what can be read and run, from the tables in the code.
//   build/dev/tools/operators > docs/operators.md
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "cpu/implementations.h"
#include "formats/onnx/operators.h"
#include "formats/pt2/operators.h"
#include "ops/operator.h"

namespace ropeway {
namespace {

void print_operators() {
  fmt::print("## Operators of the graph\nNamed and defined as in ONNX opset 23, or composites of our own (`src/ir/ops.def`). Kernels of the CPU in the order in which they are tried; `reference` serves everything.\n\n");
  fmt::print("| operator | kernels of the CPU |\n| --- | --- |\n");
  for (const Op op : all_ops()) {
    std::vector<std::string> kernels;
    for (const cpu::Implementation& row : cpu::implementations(op)) kernels.emplace_back(row.name);
    fmt::print("| {} | {} |\n", name(op), fmt::join(kernels, ", "));
  }
}

template <class Function>
void print_functions(const char* kind, std::initializer_list<Function> functions) {
  std::vector<std::string> names;
  for (const Function function : functions) names.emplace_back(name(function));
  fmt::print("\n**{}**: {}\n", kind, fmt::join(names, ", "));
}

void print_onnx() {
  fmt::print("\n## ONNX\nDomain ai.onnx, opset {} to {}.\n\n", onnx::kOldestOpset, onnx::kNewestOpset);
  std::map<std::string, std::string> rows;  // by name, with the opsets where not all
  for (const auto& family : {onnx::elementwise_operators(), onnx::layer_operators(), onnx::window_operators(), onnx::image_operators(), onnx::selection_operators(), onnx::shape_operators(), onnx::constant_operators()}) {
    for (const onnx::Operator& row : family) {
      const bool from_start = row.since == onnx::kOldestOpset, to_end = row.until == onnx::kNewestOpset;
      rows.emplace(row.op_type, from_start || !to_end ? "" : fmt::format(" (from {})", row.since));
      if (from_start) rows[std::string(row.op_type)] = "";
    }
  }
  std::vector<std::string> words;
  for (const auto& [name, opsets] : rows) words.push_back(name + opsets);
  fmt::print("{}\n", fmt::join(words, ", "));
}

void print_aten() {
  fmt::print("\n## ATen, in .pt2 files\n`torch.ops.aten.` of these; also in place (`relu_` for `relu`), and in programs with open sizes the arithmetic of Python's numbers.\n\n");
  std::map<std::string, std::vector<std::string>> overloads;
  for (const auto& family : {pt2::elementwise_operators(), pt2::layer_operators(), pt2::window_operators(), pt2::image_operators(), pt2::selection_operators(), pt2::reduction_operators(), pt2::shape_operators(), pt2::constant_operators()}) {
    for (const pt2::Operator& row : family) {
      const size_t dot = row.name.find('.');
      overloads[std::string(row.name.substr(0, dot))].emplace_back(row.name.substr(dot + 1));
    }
  }
  std::vector<std::string> words;
  for (const auto& [name, list] : overloads) words.push_back(list == std::vector<std::string>{"default"} ? name : fmt::format("{} ({})", name, fmt::join(list, ", ")));
  fmt::print("{}\n", fmt::join(words, ", "));
}

}  // namespace
}  // namespace ropeway

int main() {
  using namespace ropeway;
  fmt::print("# What can be read and run\nGenerated from the tables in the code by `build/dev/tools/operators`; a file with anything else is refused with the name of the operator and of its module.\n\n");
  print_operators();
#define ROPEWAY_UNARY(name, onnx) UnaryFunction::name,
  print_functions<UnaryFunction>("Functions of Unary", {
#include "ir/functions.def"
                                                       });
#undef ROPEWAY_UNARY
#define ROPEWAY_BINARY(name, onnx) BinaryFunction::name,
  print_functions<BinaryFunction>("Functions of Binary", {
#include "ir/functions.def"
                                                         });
#undef ROPEWAY_BINARY
#define ROPEWAY_REDUCE(name, onnx) ReduceFunction::name,
  print_functions<ReduceFunction>("Functions of Reduce", {
#include "ir/functions.def"
                                                         });
#undef ROPEWAY_REDUCE
  print_onnx();
  print_aten();
}
