#include "report/report.h"

#include <numeric>

namespace ropeway {

double DeviceReport::sum_of_min_ms() const {
  return std::accumulate(rows.begin(), rows.end(), 0.0, [](double sum, const RowReport& row) { return sum + row.min_ms; });
}

double DeviceReport::sum_of_median_ms() const {
  return std::accumulate(rows.begin(), rows.end(), 0.0, [](double sum, const RowReport& row) { return sum + row.median_ms; });
}

DeviceReport make_device_report(const DeviceInfo& device, std::span<const Row> rows, const Measurement& measurement) {
  DeviceReport report;
  report.device = device.name;
  report.title = device.title;
  report.compiled_whole = device.compiles_whole;
  report.precision = device.precision;
  report.threads = device.threads;
  report.predicted = device.predicted;
  report.iterations = measurement.end_to_end_ms.size();
  report.end_to_end = statistics(measurement.end_to_end_ms);
  for (const Row& row : rows) {
    std::vector<double> times;
    for (const std::vector<double>& step_ms : measurement.step_ms) {
      times.push_back(std::accumulate(row.steps.begin(), row.steps.end(), 0.0, [&](double sum, int s) { return sum + step_ms[static_cast<size_t>(s)]; }));
    }
    const Statistics row_statistics = statistics(std::move(times));
    report.rows.push_back({row.path, row.description, row_statistics.min, row_statistics.median, row.steps.empty()});
  }
  return report;
}

}  // namespace ropeway
