// Operators on devices that fail: which cases are blamed, and what is still run.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "selftest/cases.h"
#include "selftest/work.h"
#include "support/errors.h"

namespace ropeway::selftest {
namespace {

// A device that computes exactly, but for what is asked of it.
struct Device {
  std::set<std::string> refused = {};  // cases that atc refuses, and every graph that has one of them
  std::set<std::string> crashing = {};
  std::set<std::string> wrong = {}, saturated = {};
  bool is_dead_after_crash = false;
  bool atc_works = true;
  std::vector<Task> tasks = {};
  bool dead = false;

  std::string operator()(const Task& task) {
    tasks.push_back(task);
    const auto failure = [](const char* stage, const std::string& message) { return Json{{"failed", {{"stage", stage}, {"code", "device"}, {"message", message}, {"output", "E19999"}}}}.dump(); };
    const auto has = [&](const std::set<std::string>& names) { return std::any_of(task.cases.begin(), task.cases.end(), [&](const std::string& each) { return names.contains(each); }); };
    if (dead) return failure("open", "it is dead");
    if (task.kind == Task::Kind::device) return "{}";
    if (!atc_works || has(refused)) return failure("compile", "atc failed");
    if (has(crashing)) {
      dead = is_dead_after_crash;
      fail(ErrorCode::device, "signal 11");
    }
    Json cases = Json::array();
    for (const std::string& each : task.cases) {
      const double error = wrong.contains(each) ? 0.5 : saturated.contains(each) ? 2 : 1e-4;
      cases.push_back({{"name", each}, {"error", error}, {"cosine", 1}, {"first_difference", 3}, {"error_to_rounded", wrong.contains(each) ? 0.5 : 0.0}});
    }
    return Json{{"compile_ms", 1}, {"cases", cases}}.dump();
  }
};

struct Examined {
  Json report;
  std::vector<std::string> findings;
  std::map<std::string, std::string> outputs;
};

Examined examine(Device& device, const std::vector<Op>& operators, std::optional<double> budget_seconds = {}) {
  Options options;
  options.budget_seconds = budget_seconds;
  const Surroundings surroundings{[&](const Task& task, const SessionOptions&, double) { return device(task); }, nullptr, [](const std::string&) {}};
  Work work(options, surroundings);
  Examined result{run_conformance(work, operators, "Ascend310B1"), {}, {}};
  result.findings = work.findings;
  result.outputs = work.outputs;
  return result;
}

std::string status(const Json& report, const std::string& name) {
  for (const Json& each : report["operators"][0]["cases"]) {
    if (each["name"] == name) return each["status"];
  }
  return "no such case";
}

int count(const Examined& examined, const char* name) { return examined.report["counts"][name].get<int>(); }

TEST(ConformanceOfDevice, OneCompilationServesAnOperator) {
  Device device;
  const Examined result = examine(device, {Op::Conv, Op::Softmax});
  EXPECT_EQ(device.tasks.size(), 2u);
  EXPECT_EQ(device.tasks.size(), compiler_runs({Op::Conv, Op::Softmax}));
  EXPECT_EQ(result.findings, std::vector<std::string>());
  EXPECT_EQ(count(result, "failed") + count(result, "not_run"), 0);
  EXPECT_EQ(count(result, "passed") + count(result, "skipped") + count(result, "excluded"), static_cast<int>(cases_of(Op::Conv).size() + cases_of(Op::Softmax).size()));
  EXPECT_EQ(status(examine(device, {Op::Softmax}).report, "large_numbers"), "excluded");
}

TEST(ConformanceOfDevice, ByHalvesToTheCaseThatIsRefused) {
  Device device{.refused = {"dilated", "grouped"}};
  const Examined result = examine(device, {Op::Conv});
  EXPECT_EQ(count(result, "failed"), 2);
  EXPECT_EQ(status(result.report, "dilated"), "failed");
  EXPECT_EQ(status(result.report, "grouped"), "failed");
  EXPECT_EQ(status(result.report, "plain"), "passed");
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_EQ(result.findings[0], "Conv_dilated: compile fails: atc failed");
  EXPECT_EQ(result.outputs.at("failures/Conv_grouped.txt"), "atc failed\n\nThe end of what atc printed:\n\nE19999");
  EXPECT_LT(device.tasks.size(), cases_of(Op::Conv).size()) << "one after the other would be less work";
}

TEST(ConformanceOfDevice, ACrashIsFoundLikewise) {
  Device device{.crashing = {"plain"}};
  const Examined result = examine(device, {Op::Conv, Op::Softmax});
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0], "Conv_plain: process fails: signal 11");
  EXPECT_EQ(count(result, "not_run"), 0);
}

TEST(ConformanceOfDevice, NothingIsBegunOnADeadDevice) {
  Device device{.crashing = {"plain"}, .is_dead_after_crash = true};
  const Examined result = examine(device, {Op::Conv, Op::Gemm});
  EXPECT_EQ(device.tasks.size(), 2u) << "the cases, and whether the device lives";
  EXPECT_EQ(count(result, "passed"), 0);
  EXPECT_GT(count(result, "not_run"), 20);
  EXPECT_EQ(result.report["operators"][1]["cases"][0]["note"], "the device cannot be used any more: it is dead");
}

TEST(ConformanceOfDevice, AnAtcThatFailsAlwaysIsNotTriedForHours) {
  Device device{.atc_works = false};
  const Examined result = examine(device, all_ops());
  EXPECT_LE(device.tasks.size(), 10u);
  EXPECT_EQ(count(result, "passed"), 0);
  EXPECT_GT(count(result, "not_run"), 300);
  EXPECT_GE(result.findings.size(), 1u);
}

TEST(ConformanceOfDevice, NumbersAreJudged) {
  Device device{.wrong = {"plain"}, .saturated = {"dilated"}};
  const Examined result = examine(device, {Op::Conv});
  EXPECT_EQ(status(result.report, "plain"), "failed");
  EXPECT_EQ(status(result.report, "dilated"), "saturated");
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0], "Conv_plain: element 3 is off; the largest error is 0.5 of the largest value");
}

TEST(ConformanceOfDevice, PredictedRefusalsAreNoFindings) {
  Device refusing{.refused = {"integers_to_u8"}}, taking;
  const Examined refused = examine(refusing, {Op::Cast}), taken = examine(taking, {Op::Cast});
  EXPECT_EQ(status(refused.report, "integers_to_u8"), "refused");
  EXPECT_EQ(refusing.tasks.size(), 2u) << "a case that is predicted to be refused is compiled alone";
  EXPECT_EQ(status(taken.report, "integers_to_u8"), "passed");
  EXPECT_EQ(refused.findings, taken.findings);
}

TEST(ConformanceOfDevice, TheBudgetEndsIt) {
  Device device;
  const Examined result = examine(device, {Op::Conv}, 0);
  EXPECT_EQ(device.tasks.size(), 0u);
  EXPECT_GT(count(result, "not_run"), 10);
  EXPECT_EQ(result.findings, std::vector<std::string>());
}

}  // namespace
}  // namespace ropeway::selftest
