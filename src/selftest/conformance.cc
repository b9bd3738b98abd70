// Operators on the device, by halves where they fail together.
#include <limits>

#include "ascend/verdict.h"
#include "base/text.h"
#include "selftest/cases.h"
#include "selftest/expectations.h"
#include "selftest/work.h"

namespace ropeway::selftest {
namespace {

constexpr int kHopeless = 8;             // failures before the first success, after which the rest is not tried, for each may take minutes; enough to reach one case by halves
constexpr int kFailuresOfOperator = 16;  // crashes and time-outs, which take long, before the rest of its cases is not run

std::string why_skipped(const Case& each, const std::string& soc) {
  for (const Node& node : each.graph.nodes) {
    if (const std::string why = ascend::why_not_on_chip(each.graph, node, soc); !why.empty()) return why;
  }
  return "";
}

double number(const Json& value) { return value.is_number() ? value.get<double>() : std::numeric_limits<double>::infinity(); }  // JSON has no infinity

class Conformance {
 public:
  Conformance(Work& work, const std::string& soc) : work_(work), soc_(soc) {}

  Json run(Op op) {
    runs_ = device_failures_ = 0;
    results_.clear();
    std::vector<Case> together, alone;
    for (Case& each : cases_of(op)) {
      if (const std::string why = why_skipped(each, soc_); !why.empty()) tell(each, "skipped", why);
      else (*refused_operator(each.name()) == '\0' ? together : alone).push_back(std::move(each));
    }
    work_.say(fmt::format("conformance of {}: {}", name(op), counted(together.size() + alone.size(), "case")));
    if (!together.empty()) attempt(together);
    for (const Case& each : alone) attempt({each});
    Json cases = Json::array();
    for (const Case& each : cases_of(op)) cases.push_back(results_.at(each.graph.name));
    return {{"operator", name(op)}, {"compiler_runs", runs_}, {"cases", std::move(cases)}};
  }

 private:
  Json& tell(const Case& each, const char* status, const std::string& note) { return results_[each.graph.name] = {{"name", each.graph.name}, {"status", status}, {"note", note}}; }

  std::string why_not() const {
    if (const std::string why = work_.why_not(); !why.empty()) return why;
    if (successes_ == 0 && failures_ >= kHopeless) return fmt::format("each of the first {} graphs has failed", failures_);
    return device_failures_ >= kFailuresOfOperator ? "too many cases of this operator crash or hang" : "";
  }

  void attempt(const std::vector<Case>& cases) {
    if (const std::string why = why_not(); !why.empty()) {
      for (const Case& each : cases) tell(each, "not_run", why);
      return;
    }
    Task task{Task::Kind::cases, name(cases[0].op)};
    for (const Case& each : cases) task.cases.push_back(each.graph.name);
    ++runs_;
    const Json answer = work_.run(task);
    if (!answer.contains("failed")) {
      ++successes_;
      for (size_t i = 0; i < cases.size(); ++i) judge(cases[i], answer["cases"][i]);
      return;
    }
    if (work_.is_budget_spent() && answer["failed"]["stage"] == "compile") attempt(cases);  // stopped, not failed: tells that it is not run
    else fail_together(cases, answer["failed"]);
  }

  void fail_together(const std::vector<Case>& cases, const Json& failed) {
    const bool expected = cases.size() == 1 && *refused_operator(cases[0].name()) != '\0' && failed["stage"] == "compile";
    if (!expected) ++failures_;
    if (failed["stage"] != "compile") {
      ++device_failures_;
      work_.check_device();
    }
    if (cases.size() == 1) return fail_alone(cases[0], failed, expected);
    const auto middle = cases.begin() + static_cast<std::ptrdiff_t>(cases.size() / 2);
    work_.say(fmt::format("  {} cases of {} fail together: by halves", cases.size(), name(cases[0].op)));
    attempt({cases.begin(), middle});
    attempt({middle, cases.end()});
  }

  void fail_alone(const Case& each, const Json& failed, bool expected) {
    const std::string message = failed["message"].get<std::string>();
    if (expected) {
      tell(each, "refused", fmt::format("as predicted: CANN's lists have no {} for its dtype", refused_operator(each.name())))["message"] = message;
      return;
    }
    tell(each, "failed", fmt::format("{} fails", failed["stage"].get<std::string>()))["message"] = message;
    work_.keep_output(each.name(), failed);
  }

  void judge(const Case& each, const Json& answer) {
    const double error = number(answer["error"]), rounded = number(answer["error_to_rounded"]);
    const char* status = "";
    std::string note;
    if (*refused_operator(each.name()) != '\0') note = "it was predicted that atc refuses it";
    if (const std::string why = why_excluded(each.name()); !why.empty()) {
      status = "excluded";
      note = why;
    } else if (error <= kTolerance) {
      status = "passed";
    } else if (rounded <= kTolerance) {
      status = "saturated";
    } else if (const std::string unknown = why_unsettled(each.name()); !unknown.empty()) {
      status = "excluded";
      note = unknown;
    } else {
      status = "failed";
      note = fmt::format("element {} is off; the largest error is {:.3g} of the largest value", answer["first_difference"].get<int64_t>(), error);
    }
    Json& result = tell(each, status, note);
    for (const char* key : {"error", "cosine", "first_difference", "error_to_rounded"}) result[key] = answer[key];
  }

  Work& work_;
  const std::string soc_;
  std::map<std::string, Json> results_;  // of one operator, by case
  size_t runs_ = 0;
  int successes_ = 0, failures_ = 0, device_failures_ = 0;
};

}  // namespace

Json run_conformance(Work& work, const std::vector<Op>& operators, const std::string& soc) {
  Conformance conformance(work, soc);
  std::map<std::string, int> counts;
  for (const char* status : {"passed", "saturated", "failed", "refused", "excluded", "skipped", "not_run"}) counts[status] = 0;
  Json results = Json::array();
  for (const Op op : operators) {
    results.push_back(conformance.run(op));
    for (const Json& each : results.back()["cases"]) {
      const std::string status = each["status"].get<std::string>();
      ++counts[status];
      if (status == "failed") work.find(fmt::format("{}_{}: {}{}", name(op), each["name"].get<std::string>(), each["note"].get<std::string>(), each.contains("message") ? ": " + each["message"].get<std::string>() : ""));
    }
  }
  return {{"tolerance", kTolerance}, {"counts", counts}, {"operators", std::move(results)}};
}

size_t compiler_runs(const std::vector<Op>& operators) {
  size_t runs = operators.size();
  for (const Op op : operators) {
    for (const Case& each : cases_of(op)) runs += *refused_operator(each.name()) != '\0';
  }
  return runs;
}

}  // namespace ropeway::selftest
