#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "check/compare.h"
#include "report/table.h"
#include "report/width.h"

namespace ropeway {
namespace {

constexpr size_t kWorstRows = 12;  // of layers, when not all are asked for
constexpr double kLargest16 = 65504;
constexpr size_t kLongestLabel = 23, kLongestKind = 18, kLongestPosition = 16;

// The module, or the node in a file without modules; of outputs and of values from a file the name.
std::string label(const ComparedValue& value, bool by_name) {
  if (by_name) return value.name;
  return value.path.empty() ? value.node : value.path;
}

std::string small(double error) { return error == 0 ? "0" : fmt::format("{:.2g}", error); }

std::string marks(const ComparedValue& value) {
  if (value.on_cpu) return value.over ? "over cpu" : "cpu";
  return value.over ? "over" : "";
}

struct Cells {
  std::string number, label, kind, error, position, cosine, infinities, nans, mark;
};

Cells cells_of(const ComparedValue& value, size_t number, bool by_name) {
  const Difference& d = value.difference;
  return {std::to_string(number), shortened_front(label(value, by_name), kLongestLabel), shortened(value.kind, kLongestKind), small(d.relative()), shortened(position(value.type.shape, d.index), kLongestPosition),
          fmt::format("{:.6f}", d.cosine), fmt::format("{}|{}", d.reference_infinities, d.result_infinities), fmt::format("{}|{}", d.reference_nans, d.result_nans), marks(value)};
}

std::string aligned(const std::vector<Cells>& rows) {
  Cells widest;
  const auto widen = [](std::string& to, const std::string& cell) { to.resize(std::max(to.size(), display_width(cell))); };
  for (const Cells& row : rows) {
    widen(widest.number, row.number);
    widen(widest.label, row.label);
    widen(widest.kind, row.kind);
    widen(widest.error, row.error);
    widen(widest.position, row.position);
    widen(widest.cosine, row.cosine);
    widen(widest.infinities, row.infinities);
    widen(widest.nans, row.nans);
  }
  std::string text;
  for (const Cells& row : rows) {
    std::string line = right_aligned(row.number, widest.number.size());
    line += "  " + left_aligned(row.label, widest.label.size());
    line += "  " + left_aligned(row.kind, widest.kind.size());
    line += "  " + right_aligned(row.error, widest.error.size());
    line += "  " + left_aligned(row.position, widest.position.size());
    line += "  " + right_aligned(row.cosine, widest.cosine.size());
    line += "  " + right_aligned(row.infinities, widest.infinities.size());
    line += "  " + right_aligned(row.nans, widest.nans.size());
    line += "  " + row.mark;
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

// Indices of the rows to show, ascending: the worst ones, and the first over tolerance.
std::vector<size_t> shown_layers(const Comparison& comparison, bool all) {
  std::vector<size_t> rows(comparison.layers.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  if (all || rows.size() <= kWorstRows) return rows;
  std::stable_sort(rows.begin(), rows.end(), [&](size_t a, size_t b) { return comparison.layers[a].difference.relative() > comparison.layers[b].difference.relative(); });
  rows.resize(kWorstRows);
  if (comparison.first_over && std::find(rows.begin(), rows.end(), *comparison.first_over) == rows.end()) rows.back() = *comparison.first_over;
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::string table_of(const std::vector<ComparedValue>& values, const std::vector<size_t>& shown, const char* what, bool by_name) {
  std::vector<Cells> rows = {{"#", what, "operator", "error", "at", "cosine", "inf ref|dev", "NaN ref|dev", ""}};
  for (const size_t i : shown) rows.push_back(cells_of(values[i], i + 1, by_name));
  return aligned(rows);
}

std::string where(const ComparedValue& value) {
  const std::string node = value.node.empty() ? value.name : value.node;
  return value.path.empty() ? node : fmt::format("{} ({})", value.path, node);
}

// What the first operator over tolerance shows; in words, for it is what all the rest is done for.
std::string first_over_text(const Comparison& comparison) {
  const ComparedValue& first = comparison.layers[*comparison.first_over];
  const Difference& d = first.difference;
  std::string text = fmt::format("first over tolerance: {} at {}\n", first.kind, where(first));
  text += fmt::format("  error {} of the largest value, at {}: {} has {:.6g}, the reference {:.6g}\n", small(d.relative()), position(first.type.shape, d.index), comparison.device, d.result_at, d.reference_at);
  text += fmt::format("  cosine {:.6f}; infinities: reference {}, device {}; NaN: reference {}, device {}; became zero: {}\n", d.cosine, d.reference_infinities, d.result_infinities, d.reference_nans, d.result_nans, d.lost);
  if (std::fabs(d.reference_at) > kLargest16 && std::fabs(d.result_at) >= kLargest16) text += fmt::format("  {:g} is the largest number in 16 bits: the chip goes no further\n", kLargest16);
  if (comparison.own) {
    text += fmt::format("  by itself, fed with the reference's values, its error is {}: {}\n", small(comparison.own->relative()),
                        comparison.own->within(comparison.tolerance) ? "it comes from the operators before, added up" : "it is the operator's own");
  }
  return text;
}

}  // namespace

std::string to_table(const Comparison& comparison, bool all) {
  std::string text = fmt::format("{} on {}{} against {}\n", comparison.model, comparison.title, comparison.predicted ? " (predicted: no NPU has run)" : "", comparison.reference);
  text += fmt::format("errors are relative to the largest value of the reference's tensor; tolerance {:g}\n", comparison.tolerance);
  if (!comparison.split.empty()) text += comparison.split + "\n";
  std::vector<size_t> every(comparison.outputs.size());
  std::iota(every.begin(), every.end(), size_t{0});
  if (!every.empty()) text += "\n" + table_of(comparison.outputs, every, "output", true);
  if (!comparison.layers.empty()) {
    const std::vector<size_t> shown = shown_layers(comparison, all);
    text += "\n" + table_of(comparison.layers, shown, "layer", comparison.layers_from_file);
    if (shown.size() < comparison.layers.size()) text += fmt::format("the worst {} of {}; --layers shows all\n", shown.size(), comparison.layers.size());
  }
  text += "\n";
  if (comparison.first_over) text += first_over_text(comparison);
  if (!comparison.unmatched.empty()) text += fmt::format("no output, value, node or module of {} is called {}\n", comparison.model, first_of(comparison.unmatched));
  for (const std::string& note : comparison.notes) text += note + "\n";
  return text + (comparison.over() ? "over tolerance\n" : "within tolerance\n");
}

}  // namespace ropeway
