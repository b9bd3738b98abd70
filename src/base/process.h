// Running another program to its end.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ropeway {

struct ProcessResult {
  int status = 0;           // exit status; -1 when a signal ended it
  int signal = 0;           // that ended it; 0 for none
  bool timed_out = false;   // it was killed because its time was up
  std::string output;       // standard output and error, mixed as they came; the last 64 KiB of it
};

// Runs arguments[0] (a path; nothing is searched) in `folder`, without input; `variables` are added to its environment, or stand in the place of those of the same name. The program and all that it starts (in its process group) are killed when it has ended, when
// `seconds` are over, and when the calling process ends, however that is. Throws Error{io} when it cannot be started.
ProcessResult run_process(const std::vector<std::string>& arguments, const std::filesystem::path& folder, double seconds, const std::map<std::string, std::string>& variables = {});

}  // namespace ropeway
