#include "cli/exit_status.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <new>
#include <sstream>
#include <system_error>

#include "ropeway/error.h"

namespace ropeway::cli {
namespace {

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::unsupported: return kUnsupported;
    case ErrorCode::invalid_model: return kInvalidFile;
    case ErrorCode::invalid_argument: return kInvalidArguments;
    case ErrorCode::not_found:
    case ErrorCode::io: return kIo;
    case ErrorCode::device: return kDevice;
    case ErrorCode::out_of_memory: return kOutOfMemory;
    case ErrorCode::internal: return kInternal;
  }
  return kInternal;
}

// The command that the line named, for "see ropeway bench --help".
std::string command_of(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? "ropeway" : "ropeway " + commands.front()->get_name();
}

template <class... Args>
int say(int status, fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(("ropeway: " + fmt::format(format, std::forward<Args>(args)...) + "\n").c_str(), stderr);
  return status;
}

}  // namespace

const char* const kExitStatuses =
    "Exit status: 0 done, 3 model not supported, 4 invalid model file, 5 wrong arguments or inputs,\n"
    "6 reading or writing failed, 7 device failed, 8 out of memory, 9 internal error.";

int report(std::exception_ptr error, const CLI::App& app) {
  try {
    std::rethrow_exception(error);
  } catch (const CLI::Success& asked) {
    std::ostringstream help;
    const int status = app.exit(asked, help, help);
    if (std::fputs(help.str().c_str(), stdout) < 0 || std::fflush(stdout) != 0) return say(kIo, "cannot write to standard output: {}", std::strerror(errno));
    return status;
  } catch (const CLI::ParseError& wrong) {
    const std::vector<std::string> unknown = app.remaining();
    if (app.get_subcommands().empty() && !unknown.empty()) return say(kInvalidArguments, "there is no command or option '{}'\n  see ropeway --help", unknown[0]);
    return say(kInvalidArguments, "{}\n  see {} --help", wrong.what(), command_of(app));
  } catch (const Error& failed) {
    return say(status_of(failed.code()), "{}", failed.what());
  } catch (const std::bad_alloc&) {
    return say(kOutOfMemory, "out of memory");
  } catch (const std::system_error& failed) {  // of standard output, or of the file system
    return say(kIo, "{}", failed.what());
  } catch (const std::exception& failed) {
    return say(kInternal, "internal error: {}", failed.what());
  } catch (...) {
    return say(kInternal, "internal error");
  }
}

}  // namespace ropeway::cli
