// Eager execution beside the article's rows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <numeric>

#include "chip/eager_cost.h"
#include "fit.h"
#include "formats/formats.h"
#include "report/article.h"
#include "report/rows.h"

namespace ropeway::chip {
namespace {

// A network of the article. Which operators make a row does not depend on the chip.
struct Network {
  const ArticleTimes& times;
  Graph graph;
  std::vector<Row> rows;
};
using Networks = std::vector<Network>;
using Parameters = std::vector<Parameter>;

Networks read_networks(const Soc& soc) {
  Networks networks;
  for (const ArticleTimes& times : article()) {
    Graph graph = read_model(times.model, {});
    std::vector<ModelStep> steps;
    for (const OperatorCost& cost : eager_cost(graph, soc)) steps.push_back({cost.nodes, -1, "", "", 0, 0});
    std::vector<Row> rows = make_rows(graph, steps, RowGrouping::automatic, 0, Labels(graph));
    check_article_rows(times, rows.size());
    networks.push_back({times, std::move(graph), std::move(rows)});
  }
  return networks;
}

std::vector<double> predict(const Network& network, const Soc& soc) {
  const std::vector<OperatorCost> costs = eager_cost(network.graph, soc);
  std::vector<double> result;
  for (const Row& row : network.rows) result.push_back(std::accumulate(row.steps.begin(), row.steps.end(), 0.0, [&](double sum, int step) { return sum + costs[static_cast<size_t>(step)].ms; }));
  return result;
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

std::vector<double> errors(const Network& network, const Soc& soc) {
  std::vector<double> result = predict(network, soc);
  for (size_t r = 0; r < result.size(); ++r) result[r] = result[r] / network.times.rows[r].npu_ms - 1;
  return result;
}
double total_error(const Network& network, const Soc& soc) { return sum(predict(network, soc)) / network.times.total.npu_ms - 1; }

double mean_error(const Networks& networks, const Soc& soc) {
  double total = 0;
  size_t rows = 0;
  for (const Network& network : networks) {
    for (const double each : errors(network, soc)) total += std::abs(each), ++rows;
  }
  return total / static_cast<double>(rows);
}

// Least squares of the relative errors of all rows but those of one network.
Soc fit(const Networks& networks, const Soc& soc, const Parameters& parameters, size_t left_out) {
  return fit(soc, parameters, [&](const Soc& trial) {
    double squares = 0;
    for (size_t n = 0; n < networks.size(); ++n) {
      if (n == left_out) continue;
      for (const double each : errors(networks[n], trial)) squares += each * each;
    }
    return squares;
  });
}

// What else could be fitted, and what that does to a network that the fit has not seen.
Json report_variant(const Networks& networks, const Soc& soc, const Parameters& parameters, const std::string& title) {
  const Soc fitted = parameters.empty() ? soc : fit(networks, soc, parameters, kNone);
  Json totals = Json::array();
  fmt::print("{:44} {:5.1f} cycles {:5.1f} GB/s {:5.1f} µs  mean {:4.1f} %", title, fitted.filter_plane_cycles, fitted.dram_gb_per_s, fitted.launch_us, 100 * mean_error(networks, fitted));
  for (size_t n = 0; n < networks.size(); ++n) {
    const double left_out = total_error(networks[n], parameters.empty() ? soc : fit(networks, soc, parameters, n));
    fmt::print("  {} {:+.1f} % ({:+.1f} %)", networks[n].times.model, 100 * total_error(networks[n], fitted), 100 * left_out);
    totals.push_back({{"model", networks[n].times.model}, {"error", total_error(networks[n], fitted)}, {"left_out", left_out}});
  }
  fmt::print("\n");
  return {{"title", title}, {"filter_plane_cycles", fitted.filter_plane_cycles}, {"dram_gb_per_s", fitted.dram_gb_per_s}, {"launch_us", fitted.launch_us},
          {"mean_error", mean_error(networks, fitted)}, {"totals", std::move(totals)}};
}

}  // namespace

Json report_eager(const Soc& soc) {
  const Networks networks = read_networks(soc);
  const Parameter cycles{&Soc::filter_plane_cycles, 0, 200}, rate{&Soc::dram_gb_per_s, 10, 100}, launch{&Soc::launch_us, 0, 200};
  Json rows = Json::array(), totals = Json::array(), variants = Json::array();
  fmt::print("\neager execution beside the article, {} filter plane cycles; mean error of the rows {:.1f} %\n", soc.filter_plane_cycles, 100 * mean_error(networks, soc));
  for (size_t n = 0; n < networks.size(); ++n) {
    const Network& network = networks[n];
    const Soc others = fit(networks, soc, {cycles}, n);
    const std::vector<double> predicted = predict(network, soc), left_out = predict(network, others);
    for (size_t r = 0; r < predicted.size(); ++r) {
      const double measured = network.times.rows[r].npu_ms;
      fmt::print("{:9} {:2} {:8.3f} {:8.3f} {:+6.1f} %  {}\n", network.times.model, r + 1, measured, predicted[r], 100 * (predicted[r] / measured - 1), network.rows[r].description);
      rows.push_back({{"model", network.times.model}, {"row", r + 1}, {"description", network.rows[r].description}, {"measured", measured}, {"predicted", predicted[r]}, {"left_out", left_out[r]}});
    }
    totals.push_back({{"model", network.times.model}, {"measured", network.times.total.npu_ms}, {"predicted", sum(predicted)}, {"left_out", sum(left_out)},
                      {"left_out_cycles", others.filter_plane_cycles}, {"mean_error", mean_error({network}, soc)}, {"left_out_mean_error", mean_error({network}, others)}});
  }
  fmt::print("\nwhat is fitted, the mean error of the rows, errors of the totals, and in brackets that of a network that is left out of the fit:\n");
  variants.push_back(report_variant(networks, soc, {cycles}, "filter planes alone"));
  variants.push_back(report_variant(networks, soc, {cycles, rate}, "filter planes and the DRAM rate"));
  variants.push_back(report_variant(networks, soc, {cycles, launch}, "filter planes and the launch"));
  Soc plain = soc;
  plain.filter_plane_cycles = 0;
  variants.push_back(report_variant(networks, plain, {}, "nothing, filters moved at the rate of memory"));
  variants.push_back(report_variant(networks, plain, {rate}, "the DRAM rate, filters moved at it"));
  return {{"mean_error", mean_error(networks, soc)}, {"rows", std::move(rows)}, {"totals", std::move(totals)}, {"variants", std::move(variants)}};
}

}  // namespace ropeway::chip
