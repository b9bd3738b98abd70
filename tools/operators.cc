// Writes docs/operators.md: what can be read and run, from the tables in the code.
//   build/dev/tools/operators > docs/operators.md      (in the repository's folder)
// Exit status 1 with a message when a row of the readers' tables is missing in tools/reader_operators.tsv.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ascend/verdict.h"
#include "base/file.h"
#include "base/text.h"
#include "cpu/implementations.h"
#include "formats/onnx/operators.h"
#include "formats/pt2/operators.h"
#include "selftest/cases.h"

namespace ropeway {
namespace {

// An operator of the graph, functions of Unary, Binary and Reduce apart: "Conv", "Unary:relu".
std::string key(const Node& node) {
  if (node.op == Op::Unary) return fmt::format("Unary:{}", name(node.get<UnaryParams>().function));
  if (node.op == Op::Binary) return fmt::format("Binary:{}", name(node.get<BinaryParams>().function));
  if (node.op == Op::Reduce) return fmt::format("Reduce:{}", name(node.get<ReduceParams>().function));
  return name(node.op);
}

// What the chip makes of it in floating point: "native (MaxPoolV3)", by the cases that selftest runs on a board.
std::string outcome(const ascend::Verdict& verdict) {
  const std::string parts = fmt::format("{}", fmt::join(verdict.becomes, ", "));
  switch (verdict.engine) {
    case chip::Engine::none: return "fallback to the CPU";
    case chip::Engine::unknown: return fmt::format("unknown ({})", parts);
    case chip::Engine::fused: return fmt::format("handled by fusion ({})", verdict.ge_operator);
    default: break;
  }
  if (verdict.rewritten) return fmt::format("rewritten ({})", parts);
  return fmt::format("native ({}{})", verdict.ge_operator, verdict.engine == chip::Engine::ai_cpu ? ", AI CPU" : "");
}

// Not one of what the chip takes in no operator: tensors without elements, float64 and bfloat16.
bool is_usual(const Graph& graph, const Node& node) {
  const auto usual = [&](ValueId id) {
    return id == kNoValue || (element_count(graph.type(id).shape) > 0 && graph.type(id).dtype != DType::f64 && graph.type(id).dtype != DType::bf16);
  };
  return std::ranges::all_of(node.outputs, usual) && std::ranges::all_of(node.inputs, usual);
}

bool is_floating(const Graph& graph, const Node& node) {
  const ValueId data = chip::data_input(node);
  return data == kNoValue || graph.type(data).dtype == DType::f32;
}

// By key. Cases in f32 decide; where there is none, those there are.
std::map<std::string, std::set<std::string>> chip_outcomes() {
  std::map<std::string, std::set<std::string>> floating, all;
  for (const Op op : all_ops()) {
    for (const selftest::Case& each : selftest::cases_of(op)) {
      const std::vector<ascend::Verdict> verdicts = ascend::judge(each.graph, {});
      for (size_t n = 0; n < each.graph.nodes.size(); ++n) {
        const Node& node = each.graph.nodes[n];
        if (node.op != op || !is_usual(each.graph, node)) continue;
        all[key(node)].insert(outcome(verdicts[n]));
        if (is_floating(each.graph, node)) floating[key(node)].insert(outcome(verdicts[n]));
      }
    }
  }
  floating.merge(all);  // adds what it lacks
  return floating;
}

using Outcomes = std::map<std::string, std::set<std::string>>;

std::string kernels(const std::string& graph_operator) {
  const std::string op = graph_operator.substr(0, graph_operator.find(':'));
  std::vector<std::string> result;
  for (const cpu::Implementation& row : cpu::implementations(*op_named(op))) result.emplace_back(row.name);
  return fmt::format("{}", fmt::join(result, ", "));
}

void print_operators(const Outcomes& outcomes) {
  fmt::print("## Operators of the graph\nNamed and defined as in ONNX opset 23, or composites of our own (`src/ir/ops.def`). Kernels of the CPU in the order in which they are tried; `reference` serves everything.\n"
             "Ascend 310B: in floating point, CANN 8.1.RC1, by the cases of `tests/cases`; what `ropeway check` says of a model depends on its dtypes and sizes, too. A Dropout in training mode has become a product with a mask before.\n\n");
  fmt::print("| operator | kernels of the CPU | Ascend 310B |\n| --- | --- | --- |\n");
  for (const auto& [graph_operator, chip] : outcomes) fmt::print("| {} | {} | {} |\n", graph_operator, kernels(graph_operator), fmt::join(chip, "; "));
}

// "native", "native, AI CPU", "rewritten", …
std::string short_form(const std::string& outcome) {
  const std::string word = outcome.substr(0, outcome.find(" ("));
  return outcome.ends_with(", AI CPU)") ? word + " on the AI CPU" : word;
}

// Where an operator of a dialect, which becomes those of the graph, is left on the chip; of several, which is not native is named.
std::string chip_summary(const std::set<std::string>& graph, const Outcomes& outcomes) {
  if (graph.empty()) return "nothing to compute";
  std::map<std::string, std::vector<std::string>> by_word;
  for (const std::string& each : graph) {
    std::set<std::string> words;
    if (const auto found = outcomes.find(each); found != outcomes.end()) {
      for (const std::string& text : found->second) words.insert(short_form(text));
    }
    for (const std::string& word : words) by_word[word].push_back(each);
  }
  std::vector<std::string> result;
  for (const auto& [word, operators] : by_word) result.push_back(word == "native" || operators.size() == graph.size() ? word : fmt::format("{} ({})", word, fmt::join(operators, ", ")));
  return fmt::format("{}", fmt::join(result, ", "));
}

using Readers = std::map<std::pair<std::string, std::string>, std::set<std::string>>;  // dialect, operator → operators of the graph

Readers read_readers(const std::string& path) {
  const File file(path);
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  Readers result;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '\t');
    if (fields.size() != 3) continue;
    std::set<std::string>& graph = result[{fields[0], fields[1]}];
    for (const std::string& each : split(fields[2], ' ')) {
      if (!each.empty()) graph.insert(each);
    }
  }
  return result;
}

// Returns the rows of which nothing was seen.
std::vector<std::string> print_reader(const std::map<std::string, std::string>& rows, const std::string& dialect, const Readers& readers, const Outcomes& outcomes) {
  std::vector<std::string> unseen;
  fmt::print("| operator | becomes | Ascend 310B |\n| --- | --- | --- |\n");
  for (const auto& [row, shown] : rows) {
    const auto found = readers.find({dialect, row});
    if (found == readers.end()) unseen.push_back(row);
    else fmt::print("| {} | {} | {} |\n", shown, fmt::join(found->second, ", "), chip_summary(found->second, outcomes));
  }
  return unseen;
}

std::vector<std::string> print_onnx(const Readers& readers, const Outcomes& outcomes) {
  fmt::print("\n## ONNX\nDomain ai.onnx, opset {} to {}. An If needs a condition that follows from constants: its branch stands in its place.\n\n", onnx::kOldestOpset, onnx::kNewestOpset);
  std::map<std::string, std::string> rows;  // by name, with the opsets where not all
  for (const auto& family : {onnx::elementwise_operators(), onnx::layer_operators(), onnx::window_operators(), onnx::image_operators(), onnx::selection_operators(), onnx::shape_operators(), onnx::constant_operators()}) {
    for (const onnx::Operator& row : family) {
      const std::string op(row.op_type);
      const bool from_start = row.since == onnx::kOldestOpset, to_end = row.until == onnx::kNewestOpset;
      rows.emplace(op, from_start || !to_end ? op : fmt::format("{} (from {})", op, row.since));
      if (from_start) rows[op] = op;
    }
  }
  return print_reader(rows, "onnx", readers, outcomes);
}

std::vector<std::string> print_aten(const Readers& readers, const Outcomes& outcomes) {
  fmt::print("\n## ATen, in .pt2 files\n`torch.ops.aten.` of these; also in place (`relu_` for `relu`), and in programs with open sizes the arithmetic of Python's numbers.\n\n");
  std::map<std::string, std::string> rows;
  for (const auto& family : {pt2::elementwise_operators(), pt2::layer_operators(), pt2::window_operators(), pt2::image_operators(), pt2::selection_operators(), pt2::reduction_operators(), pt2::shape_operators(), pt2::constant_operators()}) {
    for (const pt2::Operator& row : family) {
      const std::string op(row.name);
      rows[op] = op.ends_with(".default") ? op.substr(0, op.size() - 8) : op;
    }
  }
  return print_reader(rows, "aten", readers, outcomes);
}

}  // namespace
}  // namespace ropeway

int main() {
  using namespace ropeway;
  fmt::print("# What can be read and run\nGenerated from the tables in the code by `build/dev/tools/operators`; a file with anything else is refused with the name of the operator and of its module.\n"
             "What readers make of an operator was seen at the cases of the tests (`tools/reader_operators.py`).\n\n");
  const Outcomes outcomes = chip_outcomes();
  const Readers readers = read_readers("tools/reader_operators.tsv");
  print_operators(outcomes);
  std::vector<std::string> unseen = print_onnx(readers, outcomes);
  for (const std::string& each : print_aten(readers, outcomes)) unseen.push_back(each);
  if (unseen.empty()) return 0;
  fmt::print(stderr, "tools/reader_operators.tsv has nothing of {}: give them a case, and make it again with tools/reader_operators.py\n", fmt::join(unseen, ", "));
  return 1;
}
