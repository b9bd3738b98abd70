#include "report/export.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace ropeway {
namespace {

using Json = nlohmann::ordered_json;

// To nanoseconds: digits beyond that are noise.
double rounded(double ms) { return std::round(ms * 1e6) / 1e6; }

// The peak stands once, each step beside it.
void add_steps(Json& device, const CpuSteps& report) {
  Json steps = Json::array();
  for (size_t i = 0; i < report.steps.size(); ++i) {
    const StepReport& step = report.steps[i];
    const Limit limit = limit_of(step, report.peak);
    steps.push_back({{"index", i + 1},
                     {"path", step.path},
                     {"description", step.description},
                     {"kernel", step.kernel},
                     {"declined", step.note},
                     {"flops", step.flops},
                     {"bytes", step.bytes},
                     {"latency_min_ms", rounded(step.min_ms)},
                     {"limit_ms", rounded(limit.ms)},
                     {"bound", limit.bound}});
  }
  device["peak"] = {{"threads", report.threads}, {"gflop_per_s", report.peak.gflops}, {"gb_per_s", report.peak.gb_per_s}};
  device["steps"] = std::move(steps);
}

Json device_json(const DeviceReport& device) {
  Json rows = Json::array();
  for (size_t i = 0; i < device.rows.size(); ++i) {
    const RowReport& row = device.rows[i];
    rows.push_back({{"index", i + 1},
                    {"path", row.path},
                    {"description", row.description},
                    {"fused", row.fused},
                    {"latency_ms", {{"min", rounded(row.min_ms)}, {"median", rounded(row.median_ms)}}}});
  }
  const Statistics& whole = device.end_to_end;
  Json json = {{"device", device.device},
               {"title", device.title},
               {"precision", device.precision},
               {"threads", device.threads},
               {"predicted", device.predicted},
               {"split", device.split},
               {"compiled_whole", device.compiled_whole},
               {"rows_apart", device.rows_apart},
               {"rows", std::move(rows)},
               {"sum_of_rows_ms", rounded(device.sum_of_median_ms())},
               {"end_to_end_ms", {{"min", rounded(whole.min)}, {"median", rounded(whole.median)}, {"p90", rounded(whole.p90)}, {"p99", rounded(whole.p99)}}},
               {"peak_rss_mb", std::round(device.peak_rss_mb * 10) / 10},
               {"load_ms", rounded(device.load_ms)},
               {"compile_ms", rounded(device.compile_ms)}};
  if (device.cpu_steps) add_steps(json, *device.cpu_steps);
  return json;
}

// What a program waits for and needs that loads the model and runs it once.
void add_first_run(Json& json, const DeviceReport& device) {
  if (device.load_to_first_output_ms == 0) return;
  json["load_to_first_output_ms"] = rounded(device.load_to_first_output_ms);
  json["resident_mb"] = std::round(device.resident_mb * 10) / 10;
  json["peak_mb"] = std::round(device.peak_mb * 10) / 10;
}

// What a number needs to be measured again: the machine, and how it was measured.
Json environment_json(const ModelReport& report, const Environment& environment) {
  Json inputs = Json::object(), runs = Json::object();
  for (const ValueInfo& input : report.inputs) inputs[input.name] = to_string(input.type);
  for (const DeviceReport& device : report.devices) runs[device.device] = device.iterations;
  return {{"version", environment.version}, {"processor", environment.processor}, {"processors", environment.processors}, {"simd", environment.simd},
          {"system", environment.system},   {"date", environment.date},           {"inputs", std::move(inputs)},          {"warmup", report.warmup},
          {"iterations", std::move(runs)}};
}

}  // namespace

std::string to_json(std::span<const ModelReport> reports, const Environment& environment) {
  Json entries = Json::array();
  for (const ModelReport& report : reports) {
    Json devices = Json::array();
    for (const DeviceReport& device : report.devices) {
      devices.push_back(device_json(device));
      add_first_run(devices.back(), device);
    }
    entries.push_back({{"schema", 1}, {"model", report.model}, {"devices", std::move(devices)}, {"environment", environment_json(report, environment)}});
  }
  // Names come from files: bytes that are no UTF-8 become U+FFFD.
  return entries.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ropeway
