// Pieces of work on a device. Each is meant for a process of its own: CANN's libraries may crash, and a device may hang.
#pragma once

#include <string>
#include <vector>

#include "ropeway/session.h"

namespace ropeway::selftest {

struct Task {
  enum class Kind { device, cases, model, copies };
  Kind kind = Kind::device;
  std::string subject = {};             // of cases: the operator; of a model: its name
  std::vector<std::string> cases = {};  // names of graphs
};
// "cases:Conv:plain,grouped", "model:lenet", and back. Throws Error{invalid_argument}.
std::string to_string(const Task& task);
Task task_of(const std::string& text);

// Does it, in this process, and tells in JSON:
//   device  {"title", "soc", "predicted", "cann", "memory_bytes", "free_bytes", "mode", "runtime", "profiler", "compiler"}
//   cases   {"compile_ms", "cases": [{"name", "error", "cosine", "first_difference", "error_to_rounded"}]}
//   model   see model_task.cc
//   copies  {"sizes": [{"bytes", "to_device_ms": {"min", "median"}, "to_host_ms", "predicted_ms"}], …}
// or {"failed": {"stage", "code", "message", "output"}}: the stage is "open", "compile" or "run", the output that of atc.
std::string run_task(const Task& task, const SessionOptions& options);

}  // namespace ropeway::selftest
