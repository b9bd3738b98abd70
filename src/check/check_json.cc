#include <cmath>
#include <nlohmann/json.hpp>

#include "check/check.h"

namespace ropeway::check {

std::string to_json(const CheckReport& report) {
  using Json = nlohmann::ordered_json;
  const auto rounded = [](double value) { return std::round(value * 1e6) / 1e6; };
  Json inputs = Json::object(), operators = Json::array(), segments = Json::array(), transfers = Json::array();
  for (const ValueInfo& input : report.inputs) inputs[input.name] = to_string(input.type);
  for (const OperatorCheck& each : report.operators) {
    operators.push_back({{"operator", each.kind}, {"origin", each.origin}, {"verdict", name(each.outcome)}, {"becomes", each.becomes}, {"why", each.why}, {"ms", rounded(each.ms)}});
  }
  for (const SegmentCheck& each : report.segments) segments.push_back({{"device", each.device}, {"operators", each.operators}, {"ms", rounded(each.ms)}});
  for (const TransferCheck& each : report.transfers) transfers.push_back({{"value", each.value}, {"from", each.from}, {"to", each.to}, {"bytes", each.bytes}, {"ms", rounded(each.ms)}});
  const Json json = {{"schema", 1}, {"model", report.model}, {"soc", report.target.soc}, {"cann", chip::name(report.target.cann)}, {"precision", chip::name(report.target.mode)},
                     {"predicted", true}, {"inputs", std::move(inputs)}, {"compute_ms", rounded(report.compute_ms())}, {"transfer_ms", rounded(report.transfer_ms())},
                     {"operators", std::move(operators)}, {"segments", std::move(segments)}, {"transfers", std::move(transfers)}, {"notes", report.notes}, {"sources", report.sources}};
  // Names come from files: bytes that are no UTF-8 become U+FFFD.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ropeway::check
