// Failures on purpose, for tests of programs that must survive them; and a log of calls.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "cann/types.h"

namespace ropeway::virtual_npu {

// What ROPEWAY_VIRTUAL_FAULTS asks for, parts with commas between them:
//   aclrtMalloc:3=207001  the third call of that function in this process does nothing and returns this code (functions without a code: null, 0)
//   slow=50               every execution of a model takes 50 ms longer, of the device's clock and of the caller's
//   hang=2                the second execution of a model does not end before aclrtResetDevice
//   atc=7                 atc compiles nothing and ends with this exit status
//   lost=2                the second execution of a model loses the device: calls fail until aclrtResetDevice
// Names are those of cann/abi.def.
struct FaultPlan {
  struct Call {
    std::string function;
    int nth = 1;
    cann::aclError code = 0;
  };
  std::vector<Call> calls;
  double slow_ms = 0;
  int hang = 0, lost = 0;  // 0: never
  int atc_status = 0;      // 0: it works
};
// Throws Error{invalid_argument} that names the part.
FaultPlan parse_faults(const std::string& text);

// Counts calls, fails those that are to fail, and writes ROPEWAY_VIRTUAL_LOG: a line for each call, its name and code, and what is wrong. Any thread may call.
class Failures {
 public:
  Failures();  // as the environment says; throws as parse_faults, and Error{io} when the log cannot be opened
  const FaultPlan& plan() const { return plan_; }

  void begin(const char* function);  // throws Fault
  void end(const char* function, cann::aclError code, const std::string& text);  // "" when nothing is wrong
  int next_execution();  // of a model, from 1

 private:
  FaultPlan plan_;
  std::mutex mutex_;
  std::map<std::string, int> calls_;
  int executions_ = 0;
  int log_ = -1;
};

}  // namespace ropeway::virtual_npu
