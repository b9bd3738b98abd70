// What was measured, ready to be written as a table, JSON or CSV. Times are milliseconds.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/measure.h"
#include "report/rows.h"
#include "report/statistics.h"
#include "report/steps.h"

namespace ropeway {

struct RowReport {
  std::string path;
  std::string description;
  double min_ms = 0;
  double median_ms = 0;
  bool fused = false;  // it has no time of its own: all of it was fused into operators of other rows
};

// One model on one device.
struct DeviceReport {
  std::string device;
  std::string title;  // over its column
  std::string precision;
  int threads = 1;
  bool predicted = false;       // the times are a model's, not a clock's
  bool split = false;           // the CPU computes a part; its times are always a clock's
  bool compiled_whole = false;  // the device runs the model in one piece
  bool rows_apart = false;      // but the rows were compiled and run each by itself
  std::vector<RowReport> rows;
  Statistics end_to_end;
  size_t iterations = 0;
  double peak_rss_mb = 0;  // 10^6 bytes
  double load_to_first_output_ms = 0;  // from the file to the end of the first run; 0: times are predicted, so that there was none
  double resident_mb = 0;              // memory in use then
  double peak_mb = 0;                  // the most until then
  double load_ms = 0;      // reading the file, but for the weights
  double compile_ms = 0;   // passes, plan, reading and packing of weights
  std::optional<CpuSteps> cpu_steps = {};  // where they were asked for

  // Sums of the rows' minima and of their medians.
  double sum_of_min_ms() const;
  double sum_of_median_ms() const;
};

// Where and how it was measured.
struct Environment {
  std::string version;    // of Ropeway
  std::string processor;  // as its maker calls it
  int processors = 1;     // that this process may use
  std::string simd;       // the instruction set that kernels use
  std::string system;     // "Debian GNU/Linux 12 (bookworm), Linux 6.1.0 x86_64"
  std::string date;       // UTC, ISO 8601
};
// `version` is that of the program that asks.
Environment current_environment(std::string version);

struct ModelReport {
  std::string model;
  std::vector<ValueInfo> inputs;
  int warmup = 0;
  std::vector<DeviceReport> devices;
};

// Puts the times of a measurement into rows. Name, memory and load time are the caller's to add.
DeviceReport make_device_report(const DeviceInfo& device, std::span<const Row> rows, const Measurement& measurement);

}  // namespace ropeway
