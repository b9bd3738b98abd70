// Every call of CANN's can fail: for each function that the backend calls, and each of its calls, that one call fails, and the program must say so and go on.
#include <fstream>
#include <map>
#include <set>

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

  ProcessResult run_case(const std::string& faults, const std::vector<std::string>& more = {}) const {
    std::filesystem::remove(log_);
    std::vector<std::string> command = {"/usr/bin/env", "ROPEWAY_VIRTUAL_FAULTS=" + faults, "ROPEWAY_VIRTUAL_LOG=" + log_.string(), ROPEWAY_FAULT_CASE};
    command.insert(command.end(), more.begin(), more.end());
    return run_process(command, folder_.path(), 60);
  }

  // How often each function is called in a life in which all goes well.
  std::map<std::string, int> calls() const {
    EXPECT_EQ(run_case("slow=1", {"--once"}).status, 0);
    std::map<std::string, int> result;
    std::ifstream log(log_);
    for (std::string line; std::getline(log, line);) ++result[line.substr(0, line.find(' '))];
    return result;
  }

  // The call that came after the first that returned `code`; "" when there was none.
  std::string call_after(int code) const {
    std::ifstream log(log_);
    bool failed = false;
    for (std::string line; std::getline(log, line);) {
      if (failed) return line.substr(0, line.find(' '));
      failed = line.find(fmt::format(" {}", code)) != std::string::npos;
    }
    return "";
  }

  const TestFolder folder_;
  const std::filesystem::path log_ = folder_ / "calls";
};

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
  const std::map<std::string, int> all = calls();
  ASSERT_GE(all.size(), 40u);
  int cases = 0, errors = 0;
  // As the driver's internal error, and as the loss of the device, after which nothing of it may be touched.
  for (const int code : {507899, 507010}) {
    for (const auto& [function, count] : all) {
      for (int nth = 1; nth <= count; ++nth) {
        const ProcessResult result = run_case(fmt::format("{}:{}={}", function, nth, code), frees(function) || code == 507010 ? std::vector<std::string>{"--memory-may-stay"} : std::vector<std::string>{});
        ++cases;
        const std::string where = fmt::format("call {} of {} fails with {}", nth, function, code);
        EXPECT_EQ(result.status, 0) << where << ": " << result.output;
        EXPECT_FALSE(result.timed_out) << where;
        if (result.output.starts_with("ok\n")) {
          EXPECT_TRUE(frees(function) || is_optional(function)) << where << ", and nobody says so";
          continue;
        }
        ++errors;
        // Calls that give a value give no code, so nobody can know that the device is lost. While it is opened there is nothing to reset.
        if (result.output.find("ACL_ERROR_RT_LOST_HEARTBEAT") == std::string::npos) continue;
        const std::string next = call_after(code);
        EXPECT_TRUE(next == "aclrtResetDevice" || next == "aclInit") << where << ", and the lost device is touched again, by " << next;
        EXPECT_NE(result.output.find(function), std::string::npos) << where << ", and the error does not name it: " << result.output;
      }
    }
  }
  fmt::print("{} functions are called, of {} in the table; {} cases: {} errors that name the call, {} that lose nothing\n", all.size(), kFunctions, cases, errors, cases - errors);
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
