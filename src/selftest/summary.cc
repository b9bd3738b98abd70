#include "selftest/summary.h"

#include "base/text.h"
#include "report/width.h"

namespace ropeway::selftest {
namespace {

constexpr size_t kWidth = 120, kFindings = 10;

std::string first_line(const std::string& text) { return shortened(text.substr(0, text.find('\n')), kWidth); }

std::string text(const Json& value) { return value.get<std::string>(); }

std::string part(const char* name, const std::string& what) { return fmt::format("{:<12} {}\n", name, what); }

std::string head(const Json& report) {
  const Json &device = report["device"], &versions = report["versions"], &host = report["host"];
  std::string result = fmt::format("ropeway {} selftest\n", text(versions["ropeway"]));
  if (device.contains("failed")) result += part("device", "cannot be used: " + first_line(text(device["failed"]["message"])));
  else result += part("device", fmt::format("{}, {}, {} of memory{}", text(device["title"]), text(device["mode"]), readable_bytes(device["memory_bytes"].get<double>()), device["predicted"] == true ? ": no NPU has run, all times are predicted" : ""));
  result += part("versions", fmt::format("CANN {}, driver {}, firmware {}", text(versions["cann"]), text(versions["driver"]), text(versions["firmware"])));
  return result + part("host", first_line(fmt::format("{}, {}, {} processors", text(host["system"]), text(host["processor"]), host["processors"].get<int>())));
}

std::string doctor_and_symbols(const Json& report) {
  const Json &doctor = report["doctor"], &symbols = report["symbols"];
  std::string result = part("doctor", fmt::format("{}, {}{}", counted(doctor["problems"].get<size_t>(), "problem"), counted(doctor["notes"].get<size_t>(), "note"), doctor["counts"] == true ? "" : ": of this machine's CANN, which the virtual NPU does without"));
  if (symbols.is_null()) return result;
  return result + part("symbols", fmt::format("{} of {} that are needed, {} of {} others", symbols["needed_found"].get<int>(), symbols["needed"].get<int>(), symbols["offered_found"].get<int>(), symbols["offered"].get<int>()));
}

std::string conformance(const Json& report) {
  if (!report.contains("conformance")) return "";
  const Json& counts = report["conformance"]["counts"];
  const auto count = [&](const char* status) { return counts[status].get<size_t>(); };
  std::string result = part("conformance", fmt::format("{}: {} passed, {} failed{}", counted(report["conformance"]["operators"].size(), "operator"), counted(count("passed"), "case"), count("failed"), count("not_run") > 0 ? fmt::format(", {} not run", count("not_run")) : ""));
  result += part("", fmt::format("{} saturated instead of being infinite, {} refused by atc, all as predicted; {} not judged, {} not for the chip", count("saturated"), count("refused"), count("excluded"), count("skipped")));
  std::vector<std::string> surprises;
  for (const Json& each : report["conformance"]["operators"]) {
    for (const Json& one : each["cases"]) {
      if (one["status"] == "passed" && one["note"] != "") surprises.push_back(fmt::format("{}_{}: {}", text(each["operator"]), text(one["name"]), text(one["note"])));
    }
  }
  for (size_t i = 0; i < std::min<size_t>(surprises.size(), 4); ++i) result += part("", shortened(surprises[i], kWidth - 13));
  return result;
}

std::string number(const Json& value, const char* format_of_number) { return value.is_number() ? fmt::format(fmt::runtime(format_of_number), value.get<double>()) : "–"; }

std::string first_difference(const Json& index) { return index.get<int64_t>() < 0 ? "none" : fmt::format("element {}", index.get<int64_t>()); }

// Of the device: minimum and median; dashes where it does not tell.
std::string pair(const Json& times, const char* key) {
  const bool there = times.contains(key);
  return right_aligned(there ? number(times[key]["min"], "{:.3f}") : "–", 10) + right_aligned(there ? number(times[key]["median"], "{:.3f}") : "–", 10);
}

std::string model_line(const Json& each) {
  const std::string name = text(each["model"]);
  if (each.contains("failed")) return part(name.c_str(), "failed: see below");
  if (each.contains("not_run")) return part(name.c_str(), "not run: " + first_line(text(each["not_run"])));
  const Json &output = each["output"], &device = each["device"], &predicted = each["predicted"];
  return fmt::format("{:<12} {:>8} {:>9} {:>13} {:>10} {} {:>10} {}\n", name, number(output["error"], "{:.1e}"), number(output["cosine"], "{:.6f}"), first_difference(output["first_difference"]),
                     number(predicted["sum_of_rows_ms"], "{:.3f}"), pair(device, "sum_of_rows_ms"), number(predicted["end_to_end_ms"], "{:.3f}"), pair(device, "end_to_end_ms"));
}

std::string models(const Json& report) {
  if (!report.contains("models")) return "";
  const bool predicted = report["device"]["predicted"] == true;
  const char* const device = predicted ? "predicted, too" : "measured";
  std::string result = fmt::format("\n{:<12} {:>8} {:>9} {:>13} {:>10} {:>20} {:>10} {:>20}\n", "model", "error to", "cosine", "first beyond", "rows, ms", device, "whole, ms", device);
  result += fmt::format("{:<12} {:>8} {:>9} {:>13} {:>10} {:>10}{:>10} {:>10} {:>10}{:>10}\n", "", "the CPU", "", "1 %", "predicted", "min", "median", "predicted", "min", "median");
  for (const Json& each : report["models"]) result += model_line(each);
  return result + (predicted ? "Both sides are predicted, by the same model: that they agree says nothing of a chip.\n" : "");
}

std::string copies(const Json& report) {
  if (!report.contains("copies") || !report["copies"].contains("sizes")) return "";
  const bool predicted = report["device"]["predicted"] == true;
  std::string result = fmt::format("\n{:<12} {:>11} {:>21} {:>21}\n", "copy, ms", "predicted", predicted ? "predicted, to device" : "measured, to device", predicted ? "predicted, to host" : "measured, to host");
  for (const Json& each : report["copies"]["sizes"]) {
    result += fmt::format("{:<12} {:>11} {:>21} {:>21}\n", readable_bytes(each["bytes"].get<double>()), number(each["predicted_ms"], "{:.4f}"), number(each["to_device_ms"]["median"], "{:.4f}"), number(each["to_host_ms"]["median"], "{:.4f}"));
  }
  return result;
}

std::string verdict(const Json& report) {
  const Json& findings = report["findings"];
  std::string result = "\n";
  for (const Json& each : report["not_run"]) result += part("not run", first_line(text(each)));
  for (size_t i = 0; i < std::min(findings.size(), kFindings); ++i) result += part("finding", shortened(first_line(text(findings[i])), kWidth - 13));
  if (findings.size() > kFindings) result += part("", fmt::format("and {} more, in report.json", findings.size() - kFindings));
  return result + (findings.empty() ? std::string(report["not_run"].empty() ? "all as expected\n" : "as expected, as far as it ran\n") : counted(findings.size(), "finding") + "\n");
}

}  // namespace

std::string summary(const Json& report) { return head(report) + doctor_and_symbols(report) + conformance(report) + models(report) + copies(report) + verdict(report); }

}  // namespace ropeway::selftest
