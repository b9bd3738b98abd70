// How the program ends.
#pragma once

#include <exception>

namespace CLI {
class App;
}

namespace ropeway::cli {

// 0 is success, 1 that `doctor`, `selftest` or `compare` has found something wrong, 2 that `check` has reservations.
enum ExitStatus { kDone = 0, kFindings = 1, kReservations = 2, kUnsupported = 3, kInvalidFile = 4, kInvalidArguments = 5, kIo = 6, kDevice = 7, kOutOfMemory = 8, kInternal = 9 };

// Says on standard error what went wrong, as `ropeway: …`, and returns the exit status. `app` gives the help that a command line asked for.
int report(std::exception_ptr error, const CLI::App& app);

// The list of exit statuses, for the end of a help text.
extern const char* const kExitStatuses;

}  // namespace ropeway::cli
