#include <cmath>
#include <nlohmann/json.hpp>

#include "check/check.h"

namespace ropeway::check {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) { return std::round(value * 1e6) / 1e6; }
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// Names come from files: bytes that are no UTF-8 become U+FFFD.
std::string dumped(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json copies(const std::vector<CopyCheck>& values) {
  Json result = Json::array();
  for (const CopyCheck& each : values) result.push_back({{"value", each.value}, {"type", to_string(each.type)}, {"bytes", each.bytes}, {"ms", rounded(each.ms)}});
  return result;
}

Json findings(const std::vector<OperatorFinding>& operators) {
  Json result = Json::array();
  for (const OperatorFinding& each : operators) result.push_back({{"operator", each.kind}, {"origin", each.origin}, {"finding", each.text}});
  return result;
}

Json accuracy(const PrecisionCheck& check) {
  return {{"samples", check.samples}, {"tolerance", check.tolerance}, {"error", number(check.error)}, {"within", !check.is_finding()}, {"operators", findings(check.operators)},
          {"weights", check.weights}, {"keep_fp32", findings(check.keep)}, {"kept", check.applied}, {"error_kept", check.error_kept ? number(*check.error_kept) : Json(nullptr)}};
}

}  // namespace

std::string to_json(const CheckReport& report) {
  Json inputs = Json::object(), operators = Json::array(), segments = Json::array();
  for (const ValueInfo& input : report.inputs) inputs[input.name] = to_string(input.type);
  for (const OperatorCheck& each : report.operators) {
    operators.push_back({{"operator", each.kind}, {"origin", each.origin}, {"verdict", name(each.outcome)}, {"becomes", each.becomes}, {"why", each.why}, {"ms", rounded(each.ms)}});
  }
  for (const SegmentCheck& each : report.segments) {
    segments.push_back({{"device", each.device}, {"operators", each.operators}, {"ms", rounded(each.ms)}, {"reads", copies(each.reads)}, {"leaves", copies(each.leaves)}});
  }
  return dumped({{"schema", 1}, {"model", report.model}, {"soc", report.target.soc}, {"cann", chip::name(report.target.cann)}, {"precision", report.precision}, {"predicted", true},
                 {"runs", true}, {"reservations", report.reservations()}, {"inputs", std::move(inputs)}, {"compute_ms", rounded(report.compute_ms())}, {"copies_ms", rounded(report.copies_ms())},
                 {"operators", std::move(operators)}, {"segments", std::move(segments)}, {"accuracy", accuracy(report.accuracy)}, {"notes", report.notes}, {"findings", report.findings}, {"sources", report.sources}});
}

std::string impossible_json(const std::string& model, const std::string& why) { return dumped({{"schema", 1}, {"model", model}, {"runs", false}, {"why", why}}); }

}  // namespace ropeway::check
