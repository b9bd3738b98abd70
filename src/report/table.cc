#include "report/table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "report/width.h"

namespace ropeway {
namespace {

constexpr const char* kGap = "  ";

std::string pair_of(const std::string& a, const std::string& b) { return fmt::format("{:>8} {:>8}", a, b); }
std::string milliseconds(double ms) { return fmt::format("{:.3f}", std::abs(ms) < 5e-4 ? 0.0 : ms); }  // never -0.000
std::string pair_of(double a, double b) { return pair_of(milliseconds(a), milliseconds(b)); }

// A group of numbers under one head.
struct Column {
  std::vector<std::string> head;   // three lines
  std::vector<std::string> cells;  // by row
  std::string sum, end_to_end, not_in_rows;

  size_t width() const {
    size_t widest = std::max({display_width(sum), display_width(end_to_end), display_width(not_in_rows)});
    for (const std::string& text : head) widest = std::max(widest, display_width(text));
    for (const std::string& text : cells) widest = std::max(widest, display_width(text));
    return widest;
  }
};

struct Label {
  std::string path, description;
  bool operator==(const Label&) const = default;
};

// The rows of all devices, the first device's before all others. A label may stand in one device twice (a module that is called twice, say): the k-th then meets the k-th.
std::vector<Label> labels_of(const ModelReport& report) {
  std::vector<Label> labels;
  for (const DeviceReport& device : report.devices) {
    std::vector<bool> met(labels.size(), false);
    for (const RowReport& row : device.rows) {
      const Label label{row.path, row.description};
      size_t at = 0;
      while (at < met.size() && (met[at] || labels[at] != label)) ++at;
      if (at < met.size()) met[at] = true;
      else labels.push_back(label);
    }
  }
  return labels;
}

// The k-th row under a label meets the k-th label of that name.
template <class AnyRow, class Cell>
std::vector<std::string> cells_of(const std::vector<AnyRow>& rows, const std::vector<Label>& labels, Cell cell) {
  std::vector<std::string> cells;
  std::vector<bool> used(rows.size(), false);
  for (const Label& label : labels) {
    size_t r = 0;
    while (r < used.size() && (used[r] || Label{rows[r].path, rows[r].description} != label)) ++r;
    if (r < used.size()) used[r] = true;
    cells.push_back(r < used.size() ? cell(rows[r]) : "-");
  }
  return cells;
}

Column device_column(const DeviceReport& device, const std::vector<Label>& labels) {
  Column column;
  // A predicted time is the same at every run.
  const auto times = [&](double min, double median) { return device.predicted && !device.split ? milliseconds(median) : pair_of(min, median); };
  column.head = {device.title, device.compiled_whole ? device.precision + ", compiled" : fmt::format("{}, {} thread{}", device.precision, device.threads, device.threads == 1 ? "" : "s"),
                 device.predicted && !device.split ? "predicted" : pair_of("min", "median")};
  column.cells = cells_of(device.rows, labels, [&](const RowReport& row) { return row.fused ? "fused" : times(row.min_ms, row.median_ms); });
  const double min = device.sum_of_min_ms(), median = device.sum_of_median_ms();
  column.sum = times(min, median);
  column.end_to_end = times(device.end_to_end.min, device.end_to_end.median);
  column.not_in_rows = times(device.end_to_end.min - min, device.end_to_end.median - median);
  return column;
}

Column article_column(const ArticleTimes& times) {
  const auto pair = [](const std::string& cpu, const std::string& npu) { return fmt::format("{:>8} {:>10}", cpu, npu); };
  const auto both = [&](const ArticleTimes::Row& row) { return pair(milliseconds(row.cpu_ms), milliseconds(row.npu_ms)); };
  Column column;
  column.head = {"the article", "measured", pair("CPU", "NPU, eager")};
  for (const ArticleTimes::Row& row : times.rows) column.cells.push_back(both(row));
  column.sum = both(times.total);
  return column;
}

Column cost_column(const CostReport& report, const std::vector<Label>& labels) {
  Column column;
  column.head = {report.soc, name(report.mode), "predicted"};
  column.cells = cells_of(report.rows, labels, [](const CostRow& row) { return milliseconds(row.ms); });
  column.sum = milliseconds(report.total_ms());
  return column;
}

class Table {
 public:
  Table(std::vector<Label> labels, std::vector<Column> columns) : labels_(std::move(labels)), columns_(std::move(columns)) {
    number_width_ = std::to_string(labels_.size()).size();
    path_width_ = 6;
    size_t longest = 12;
    for (const Label& label : labels_) {
      path_width_ = std::max(path_width_, std::min(kLongestPath, display_width(label.path)));
      longest = std::max(longest, display_width(label.description));
    }
    size_t taken = number_width_ + path_width_ + 4;
    for (const Column& column : columns_) taken += column.width() + 2;
    const size_t left = kTableWidth > taken ? kTableWidth - taken : 0;
    description_width_ = std::min(longest, std::max(left, kShortestDescription));
  }

  std::string text() const {
    std::string result;
    for (size_t i = 0; i < 3; ++i) {
      const bool last = i == 2;
      result += line(last ? "#" : "", last ? "module" : "", last ? "times in ms" : "", [&](const Column& column) { return column.head[i]; });
    }
    for (size_t r = 0; r < labels_.size(); ++r) {
      result += line(std::to_string(r + 1), labels_[r].path, labels_[r].description, [&](const Column& column) { return r < column.cells.size() ? column.cells[r] : ""; });
    }
    result += line("", "", "sum of rows", [](const Column& column) { return column.sum; });
    result += line("", "", "end to end", [](const Column& column) { return column.end_to_end; });
    result += line("", "", "not in rows", [](const Column& column) { return column.not_in_rows; });
    return result;
  }

 private:
  template <class Cell>
  std::string line(const std::string& number, const std::string& path, const std::string& description, Cell cell) const {
    std::string result = right_aligned(number, number_width_) + kGap + left_aligned(shortened_front(path, path_width_), path_width_) + kGap +
                         left_aligned(shortened(description, description_width_), description_width_);
    for (const Column& column : columns_) result += kGap + right_aligned(cell(column), column.width());
    result.erase(result.find_last_not_of(' ') + 1);
    return result + "\n";
  }

  std::vector<Label> labels_;
  std::vector<Column> columns_;
  size_t number_width_, path_width_, description_width_;
};

std::string printed_total_note(const ArticleTimes& times) {
  const double sum = std::accumulate(times.rows.begin(), times.rows.end(), 0.0, [](double total, const ArticleTimes::Row& row) { return total + row.cpu_ms; });
  if (std::abs(sum - times.total.cpu_ms) < 5e-4) return "";
  return fmt::format("The article prints {:.3f} ms as the sum for its CPU; its rows add up to {:.3f}.\n", times.total.cpu_ms, sum);
}

std::string timing_of(const DeviceReport& device) {
  if (device.predicted && device.split) return fmt::format("the NPU's times are predicted, no NPU has run; the CPU's are measured here, {} iteration{}", device.iterations, device.iterations == 1 ? "" : "s");
  if (device.predicted) return "times are predicted by a cost model, no NPU has run";
  return fmt::format("{} iteration{}; end to end p90 {:.3f} ms, p99 {:.3f} ms", device.iterations, device.iterations == 1 ? "" : "s", device.end_to_end.p90, device.end_to_end.p99);
}

}  // namespace

std::string to_table(const ModelReport& report, const ArticleTimes* reference, std::span<const CostReport> predicted) {
  const std::vector<Label> labels = labels_of(report);
  std::vector<Column> columns;
  for (const DeviceReport& device : report.devices) columns.push_back(device_column(device, labels));
  if (reference != nullptr) columns.push_back(article_column(*reference));
  for (const CostReport& cost : predicted) columns.push_back(cost_column(cost, labels));

  std::string text = report.model;
  for (const ValueInfo& input : report.inputs) text += fmt::format(", {}: {}", input.name, to_string(input.type));
  text += "\n" + Table(labels, std::move(columns)).text();
  for (const DeviceReport& device : report.devices) {
    text += fmt::format("{}: {}; load {:.0f} ms, compile {:.0f} ms; peak memory {:.0f} MB\n", device.title, timing_of(device), device.load_ms, device.compile_ms, device.peak_rss_mb);
  }
  if (reference != nullptr) text += printed_total_note(*reference);
  return text;
}

std::string table_legend(std::span<const ModelReport> reports, const ArticleTimes* reference) {
  const auto any = [&](bool DeviceReport::*is) {
    return std::any_of(reports.begin(), reports.end(), [&](const ModelReport& model) { return std::any_of(model.devices.begin(), model.devices.end(), [&](const DeviceReport& each) { return each.*is; }); });
  };
  const bool all_predicted = !reports.empty() && std::all_of(reports.begin(), reports.end(), [](const ModelReport& model) {
    return std::all_of(model.devices.begin(), model.devices.end(), [](const DeviceReport& each) { return each.predicted; });
  });
  std::string text;
  if (!all_predicted) {
    text +=
        "End to end is timed in runs without a clock inside; the rows in other runs, between those, in which every step is\n"
        "timed. \"Not in rows\" is end to end less the sum of rows: what lies between the steps, less what timing them costs,\n"
        "so it may be a little below 0; on a busy machine, where the two kinds of runs differ, it is noise.\n";
  }
  text += "Load is opening the file; compile is all else before the first run: passes, plan, reading and packing weights, an NPU's compiler.\n";
  if (any(&DeviceReport::compiled_whole) && !any(&DeviceReport::rows_apart)) {
    text +=
        "An NPU runs a compiled model in one piece: its rows are that piece's operators, as its profiler times them. One into\n"
        "which parts of several rows are fused counts for the row of its heaviest part; \"fused\" is a row of which nothing is left.\n"
        "End to end has the copies of inputs and outputs between host and device, which no row has.\n";
  }
  if (any(&DeviceReport::rows_apart)) {
    text +=
        "An NPU runs a compiled model in one piece: its rows are compiled and run each by itself. End to end is the model in\n"
        "one piece, with the copies of inputs and outputs between host and device, which no row has.\n";
  }
  if (any(&DeviceReport::split)) {
    text +=
        "A model that is split between NPU and CPU takes, end to end, the time of its segments one after the other, copies\n"
        "included. A predicted NPU beside this machine's processor is no board: its processor is another.\n";
  }
  if (any(&DeviceReport::predicted) || reference != nullptr) text += "Predicted times come from a cost model of the chip, calibrated on measurements of others, and from no NPU.\n";
  if (reference != nullptr) {
    text +=
        "The article's times are those of its own board, batch 1: its CPU, and eager torch_npu on an Ascend 310B1. Its sums\n"
        "are as printed there. Eager is an operator at a time, the weights of each convolution laid out anew at every call;\n"
        "compiled, they are laid out once, in 16 bits, and operators are fused. The prediction of eager execution has one\n"
        "number that is fitted to the article's rows; how far off each of them is: docs/cost-model.md.\n";
  }
  return text;
}

}  // namespace ropeway
