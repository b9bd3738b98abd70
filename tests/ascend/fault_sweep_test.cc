// Every call of CANN's can fail: for each function that the backend calls, and each of its calls, that one call fails, and the program must say so and go on.
#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "ascend/compiler.h"
#include "ascend/small_model.h"
#include "base/process.h"
#include "base/text.h"
#include "support/errors.h"

namespace ropeway::ascend {
namespace {

using test::TestFolder;

class FaultSweep : public ::testing::Test {
 protected:
  // Compiled beforehand, so that cases do not compile.
  FaultSweep() { compile_om(make_atc_input(small_model()), "small", *cann::installation_at(ROPEWAY_VIRTUAL_HOME), {"Ascend310B1"}); }

  // `log`: the file of that name in the folder of this test gets a line for each call.
  ProcessResult run_case(const std::string& faults, const std::vector<std::string>& more = {}, const std::string& log = "calls") const {
    std::vector<std::string> command = {"/usr/bin/env", "ROPEWAY_VIRTUAL_FAULTS=" + faults, "ROPEWAY_VIRTUAL_LOG=" + (folder_ / log).string(), ROPEWAY_FAULT_CASE};
    command.insert(command.end(), more.begin(), more.end());
    return run_process(command, folder_.path(), 60);
  }

  // How often each function was called and did what was asked; with `failed`, also when it did not.
  std::map<std::string, int> logged(const std::string& log, bool failed) const {
    std::map<std::string, int> result;
    std::ifstream file(folder_ / log);
    for (std::string line; std::getline(file, line);) {
      const std::vector<std::string> words = split(line, ' ');
      if (failed || words.at(1) == "0") ++result[words.at(0)];
    }
    return result;
  }

  // The call that came after the first that returned `code`, by a log; "" when there was none.
  std::string call_after(int code, const std::string& log_name) const {
    std::ifstream log(folder_ / log_name);
    bool failed = false;
    for (std::string line; std::getline(log, line);) {
      if (failed) return line.substr(0, line.find(' '));
      failed = line.find(fmt::format(" {}", code)) != std::string::npos;
    }
    return "";
  }

  const TestFolder folder_;
};

// What was made and not freed, by a log of calls; "" for nothing. What lies on the device, and what the address sanitizer can reach, is not all of it: handles are kept in
// tables of the library's.
std::string left_over(const std::map<std::string, int>& calls) {
  const auto times = [&](const char* function) {
    const auto at = calls.find(function);
    return at == calls.end() ? 0 : at->second;
  };
  std::string result;
  for (const auto& [made, freed] : {std::pair{"aclrtCreateStream", "aclrtDestroyStream"}, {"aclrtCreateEvent", "aclrtDestroyEvent"}, {"aclrtMalloc", "aclrtFree"}, {"aclrtMallocHost", "aclrtFreeHost"},
                                    {"aclmdlLoadFromFile", "aclmdlUnload"}, {"aclmdlCreateDesc", "aclmdlDestroyDesc"}, {"aclmdlCreateDataset", "aclmdlDestroyDataset"},
                                    {"aclCreateDataBuffer", "aclDestroyDataBuffer"}, {"aclprofCreateSubscribeConfig", "aclprofDestroySubscribeConfig"}, {"aclprofModelSubscribe", "aclprofModelUnSubscribe"}}) {
    if (times(made) != times(freed)) result += fmt::format("{} {} but {} {}. ", times(made), made, times(freed), freed);
  }
  return result;
}

struct Case {
  std::string function;
  int nth = 1;
  int code = 0;
  ProcessResult result;
  std::string left;
  std::string faults() const { return fmt::format("{}:{}={}", function, nth, code); }
  std::string where() const { return fmt::format("call {} of {} fails with {}", nth, function, code); }
};

// As many at a time as there are processors.
template <class Action>
void for_each_at_once(std::vector<Case>& cases, Action action) {
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      for (size_t k; (k = next++) < cases.size();) action(cases[k]);
    });
  }
  for (std::thread& each : threads) each.join();
}

// Of cann/abi.def.
constexpr int kFunctions = 0
#define ROPEWAY_CANN(library, need, result, name, parameters) +1
#include "cann/abi.def"
#undef ROPEWAY_CANN
    ;

// What frees, or enters a context to do so, has nobody to tell, and leaves what it did not free.
bool frees(const std::string& function) { return function.find("Free") != std::string::npos || function.find("Destroy") != std::string::npos || function == "aclmdlUnload" || function == "aclrtSetCurrentContext"; }
// A failure of these loses nothing that anybody asked for: the thread's former context, how much memory a model takes.
bool is_optional(const std::string& function) { return function == "aclrtGetCurrentContext" || function == "aclrtGetMemInfo"; }

TEST_F(FaultSweep, EveryCallMayFail) {
  EXPECT_EQ(run_case("slow=1", {"--once"}).status, 0);
  const std::map<std::string, int> all = logged("calls", true);
  ASSERT_GE(all.size(), 40u);
  std::vector<Case> cases;
  // As the driver's internal error, and as the loss of the device, after which nothing of it may be touched.
  constexpr int kLost = 507010;
  for (const int code : {507899, kLost}) {
    for (const auto& [function, count] : all) {
      for (int nth = 1; nth <= count; ++nth) cases.push_back({function, nth, code, {}, ""});
    }
  }
  const auto may_leave = [&](const Case& each) { return frees(each.function) || each.code == kLost; };
  for_each_at_once(cases, [&](Case& each) {
    each.result = run_case(each.faults(), may_leave(each) ? std::vector<std::string>{"--memory-may-stay"} : std::vector<std::string>{}, each.faults());
    each.left = left_over(logged(each.faults(), false));
  });
  int errors = 0;
  for (const Case& each : cases) {
    EXPECT_EQ(each.result.status, 0) << each.where() << ": " << each.result.output;
    EXPECT_FALSE(each.result.timed_out) << each.where();
    EXPECT_TRUE(each.left.empty() || may_leave(each) || each.function == "aclprofModelUnSubscribe") << each.where() << ": " << each.left;
    if (each.result.output.starts_with("ok\n")) {
      EXPECT_TRUE(frees(each.function) || is_optional(each.function)) << each.where() << ", and nobody says so";
      continue;
    }
    ++errors;
    // Calls that give a value give no code, so nobody can know that the device is lost. While it is opened there is nothing to reset.
    if (each.result.output.find("ACL_ERROR_RT_LOST_HEARTBEAT") != std::string::npos) {
      const std::string next = call_after(each.code, each.faults());
      EXPECT_TRUE(next == "aclrtResetDevice" || next == "aclInit") << each.where() << ", and the lost device is touched again, by " << next;
    }
    EXPECT_NE(each.result.output.find(each.function), std::string::npos) << each.where() << ", and the error does not name it: " << each.result.output;
  }
  fmt::print("{} functions are called, of {} in the table; {} cases: {} errors that name the call, {} that lose nothing\n", all.size(), kFunctions, cases.size(), errors, cases.size() - static_cast<size_t>(errors));
}

// NPU, CPU, NPU: when a call fails in either of the NPU's parts, the error names it, and the next run of the model works.
TEST_F(FaultSweep, PartsOfASplitModelFail) {
  const ProcessResult good = run_case("slow=1", {"--split"}, "good");
  ASSERT_TRUE(good.output.starts_with("ok\n")) << good.output;
  const std::map<std::string, int> calls = logged("good", true);
  std::vector<Case> cases;
  for (const char* function : {"aclmdlLoadFromFile", "aclrtMalloc", "aclmdlExecuteAsync", "aclrtMemcpyAsync"}) {
    ASSERT_TRUE(calls.contains(function));
    for (const int nth : {1, 2}) cases.push_back({function, nth, 507899, {}, ""});
  }
  for_each_at_once(cases, [&](Case& each) { each.result = run_case(each.faults(), {"--split"}, each.faults()); });
  for (const Case& each : cases) {
    EXPECT_EQ(each.result.status, 0) << each.where() << ": " << each.result.output;
    EXPECT_FALSE(each.result.timed_out) << each.where();
    EXPECT_TRUE(each.result.output.starts_with("device: ") && each.result.output.find(each.function) != std::string::npos) << each.where() << ": " << each.result.output;
    EXPECT_EQ(each.result.output.find("the next run"), std::string::npos) << each.where() << ": " << each.result.output;
    const std::string left = left_over(logged(each.faults(), false));
    EXPECT_TRUE(left.empty()) << each.where() << ": " << left;
  }
  for (const char* faults : {"hang=1", "hang=2", "lost=1", "lost=2"}) {
    const ProcessResult result = run_case(faults, {"--split"});
    EXPECT_EQ(result.status, 0) << faults << ": " << result.output;
    EXPECT_TRUE(result.output.starts_with("device: ")) << faults << ": " << result.output;
  }
}

TEST_F(FaultSweep, HangingDeviceEndsInAnError) {
  const ProcessResult result = run_case("hang=1", {"--memory-may-stay"});
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("did not answer for 0.5 s"), std::string::npos) << result.output;
}

TEST_F(FaultSweep, LostDeviceComesBackAfterAReset) {
  for (const char* faults : {"lost=1", "lost=2"}) {
    const ProcessResult result = run_case(faults, {"--memory-may-stay"});
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_NE(result.output.find("ACL_ERROR_RT_LOST_HEARTBEAT"), std::string::npos) << result.output;
  }
}

TEST_F(FaultSweep, SlowDeviceIsWaitedFor) {
  const ProcessResult result = run_case("slow=100");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_TRUE(result.output.starts_with("ok\n")) << result.output;
}

}  // namespace
}  // namespace ropeway::ascend
