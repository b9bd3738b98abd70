// The cost model beside measured times: MODEL MS pairs. bench/calibrate.py calls it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <vector>

#include "chip/cost_model.h"
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

// Sum of squared relative errors over the rows but `left_out`.
double misfit(const Rows& rows, const Soc& soc, size_t left_out) {
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i != left_out) sum += std::pow(error(rows[i], soc), 2);
  }
  return sum;
}

constexpr size_t kNone = std::numeric_limits<size_t>::max();

// The DRAM rate and launch cost that fit best: a grid over what is physically possible, refined around its best point.
Soc fit(const Rows& rows, Soc soc, size_t left_out) {
  double low[2] = {10, 0}, high[2] = {60, 100};
  for (int round = 0; round < 5; ++round) {
    constexpr int kSteps = 20;
    Soc best = soc;
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i <= kSteps; ++i) {
      for (int j = 0; j <= kSteps; ++j) {
        Soc trial = soc;
        trial.dram_gb_per_s = low[0] + (high[0] - low[0]) * i / kSteps;
        trial.launch_us = low[1] + (high[1] - low[1]) * j / kSteps;
        const double sum = misfit(rows, trial, left_out);
        if (sum < least) least = sum, best = trial;
      }
    }
    soc = best;
    const double width[2] = {(high[0] - low[0]) / 8, (high[1] - low[1]) / 8};
    low[0] = std::max(10.0, best.dram_gb_per_s - width[0]), high[0] = best.dram_gb_per_s + width[0];
    low[1] = std::max(0.0, best.launch_us - width[1]), high[1] = best.launch_us + width[1];
  }
  return soc;
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
    double by_bound[4] = {}, flops = 0, bytes = 0;
    int number[4] = {};
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

int run(int argc, char** argv) {
  Soc soc = *find_soc("Ascend310B1");
  Rows rows;
  for (int i = 1; i + 1 < argc; i += 2) {
    Graph graph = run_passes(read_model(argv[i], {}), pipeline(), {});
    rows.push_back({std::filesystem::path(argv[i]).stem().string(), std::move(graph), std::atof(argv[i + 1])});
  }
  if (rows.empty()) {
    fmt::print(stderr, "usage: {} MODEL MS [MODEL MS ...]   (one pair: every operator of it)\n", argv[0]);
    return 2;
  }
  if (rows.size() == 1) print_operators(rows[0], soc);
  fmt::print("{}, constants of src/chip/soc.cc: {} GB/s, {} µs per operator, cube efficiency {}\n", soc.name, soc.dram_gb_per_s, soc.launch_us, soc.cube_efficiency);
  print_rows(rows, soc);
  if (rows.size() < 3) return 0;
  fmt::print("\nfitted by least squares of relative errors (DRAM rate, launch cost):\n");
  print_errors(rows, fit(rows, soc, kNone), kNone, "to all");
  for (size_t i = 0; i < rows.size(); ++i) print_errors(rows, fit(rows, soc, i), i, fmt::format("without {}", rows[i].name));
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
  return 0;
}

}  // namespace
}  // namespace ropeway::chip

int main(int argc, char** argv) {
  try {
    return ropeway::chip::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
