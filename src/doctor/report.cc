#include "doctor/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace ropeway::doctor {

const char* to_string(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::note: return "note";
    case Status::problem: return "problem";
  }
  return "";
}

bool Report::healthy() const {
  return std::none_of(findings.begin(), findings.end(), [](const Finding& each) { return each.status == Status::problem; });
}

std::string to_json(const Report& report) {
  using Json = nlohmann::ordered_json;
  Json findings = Json::array();
  for (const Finding& each : report.findings) findings.push_back({{"check", each.check}, {"status", to_string(each.status)}, {"text", each.text}, {"fix", each.fix}, {"symptom", each.symptom}});
  const Json whole = {{"schema", 1}, {"root", report.root}, {"healthy", report.healthy()}, {"findings", std::move(findings)}};
  // Paths and logs may hold bytes that are no UTF-8: they become U+FFFD.
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ropeway::doctor
