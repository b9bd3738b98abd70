// Compiled models beside measured times.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "chip/cost_model.h"
#include "fit.h"
#include "formats/formats.h"
#include "passes/pipeline.h"

namespace ropeway::chip {
namespace {

struct Row {
  std::string name;
  Graph graph;
  double measured;
};
using Rows = std::vector<Row>;

double predict(const Row& row, const Soc& soc) { return total_ms(compiled_cost(row.graph, soc)); }
double error(const Row& row, const Soc& soc) { return predict(row, soc) / row.measured - 1; }

// The DRAM rate and launch cost that give the least sum of squared relative errors over the rows but `left_out`.
Soc fit(const Rows& rows, const Soc& soc, size_t left_out) {
  return fit(soc, {{&Soc::dram_gb_per_s, 10, 60}, {&Soc::launch_us, 0, 100}}, [&](const Soc& trial) {
    double sum = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i != left_out) sum += std::pow(error(rows[i], trial), 2);
    }
    return sum;
  });
}

void print_errors(const Rows& rows, const Soc& soc, size_t left_out, const std::string& title) {
  fmt::print("{:32} {:6.2f} GB/s {:6.2f} µs", title, soc.dram_gb_per_s, soc.launch_us);
  for (size_t i = 0; i < rows.size(); ++i) fmt::print("  {} {:+.1f} %{}", rows[i].name, 100 * error(rows[i], soc), i == left_out ? " (left out)" : "");
  fmt::print("\n");
}

// The fit to all, and in brackets the error of each row when it is fitted to the others.
void print_alternative(const Rows& rows, const Soc& soc, const std::string& title) {
  const Soc fitted = fit(rows, soc, kNone);
  fmt::print("{:32} {:6.2f} GB/s {:6.2f} µs", title, fitted.dram_gb_per_s, fitted.launch_us);
  for (size_t i = 0; i < rows.size(); ++i) fmt::print("  {} {:+.1f} % ({:+.1f} %)", rows[i].name, 100 * error(rows[i], fitted), 100 * error(rows[i], fit(rows, soc, i)));
  fmt::print("\n");
}

void print_rows(const Rows& rows, const Soc& soc) {
  fmt::print("{:12} {:>9} {:>9} {:>7} {:>9} {:>7} {:>7}   ms by bound\n", "model", "measured", "predicted", "error", "operators", "GFLOP", "MB");
  for (const Row& row : rows) {
    const std::vector<OperatorCost> costs = compiled_cost(row.graph, soc);
    double by_bound[kBounds] = {}, flops = 0, bytes = 0;
    int number[kBounds] = {};
    for (const OperatorCost& cost : costs) {
      by_bound[static_cast<size_t>(cost.bound)] += cost.ms, ++number[static_cast<size_t>(cost.bound)];
      flops += cost.flops, bytes += cost.bytes;
    }
    fmt::print("{:12} {:9.2f} {:9.2f} {:+6.1f}% {:9} {:7.1f} {:7.1f}  ", row.name, row.measured, total_ms(costs), 100 * error(row, soc), costs.size(), flops / 1e9, bytes / 1e6);
    for (size_t b = 0; b < 4; ++b) fmt::print(" {} {:.2f} ({})", name(static_cast<Bound>(b)), by_bound[b], number[b]);
    fmt::print("\n");
  }
}

// Every operator of one model.
void print_operators(const Row& row, const Soc& soc) {
  for (const OperatorCost& cost : compiled_cost(row.graph, soc)) {
    std::string ops;
    for (const int i : cost.nodes) ops += fmt::format("{}{}", ops.empty() ? "" : "+", name(row.graph.nodes[static_cast<size_t>(i)].op));
    fmt::print("{:8.1f} µs  {:6}  {:9.3f} MB {:9.2f} MFLOP  {}\n", 1e3 * cost.ms, name(cost.bound), cost.bytes / 1e6, cost.flops / 1e6, ops);
  }
}

}  // namespace

Json report_compiled(const std::vector<MeasuredModel>& models, const Soc& soc) {
  Rows rows;
  for (const MeasuredModel& model : models) {
    Graph graph = run_passes(read_model(model.path, {}), pipeline(), {});
    rows.push_back({std::filesystem::path(model.path).stem().string(), std::move(graph), model.ms});
  }
  if (rows.size() == 1) print_operators(rows[0], soc);
  print_rows(rows, soc);
  Json json = Json::array();
  if (rows.size() < 3) return json;
  fmt::print("\nfitted by least squares of relative errors (DRAM rate, launch cost):\n");
  print_errors(rows, fit(rows, soc, kNone), kNone, "to all");
  for (size_t i = 0; i < rows.size(); ++i) {
    const Soc others = fit(rows, soc, i);
    print_errors(rows, others, i, fmt::format("without {}", rows[i].name));
    json.push_back({{"model", rows[i].name}, {"measured", rows[i].measured}, {"predicted", predict(rows[i], soc)}, {"left_out", predict(rows[i], others)}});
  }
  fmt::print("\nHow much hangs on the constants that are assumed, fitted anew for each:\n");
  for (const double efficiency : {0.6, 0.8, 1.0}) {
    Soc other = soc;
    other.cube_efficiency = efficiency;
    print_alternative(rows, other, fmt::format("cube efficiency {}", efficiency));
  }
  for (const int instructions : {5, 10, 20}) {
    Soc other = soc;
    other.function_instructions = instructions;
    print_alternative(rows, other, fmt::format("{} instructions per function", instructions));
  }
  return json;
}

}  // namespace ropeway::chip
