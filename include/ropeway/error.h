// The one exception type of Ropeway.
#pragma once

#include <exception>
#include <string>
#include <vector>

namespace ropeway {

// Why an operation as a whole could not finish. The program's exit status follows from it (see exit_status in src/cli).
enum class ErrorCode {
  invalid_argument,  // the caller's words or inputs do not fit
  invalid_model,     // a model file is damaged, or breaks its own format
  unsupported,       // well-formed, but nothing here can do it
  not_found,         // a file, a name or an entry that is not there
  io,                // reading or writing failed
  device,            // a device or its compiler failed
  out_of_memory,
  internal,          // a promise of Ropeway's own code was broken
};

// Stable lower-case name of a code, such as "invalid_model".
const char* name(ErrorCode code);

// Thrown when an operation as a whole cannot finish. The message says what failed, where (module path, file, node),
// why, and what to do about it. Each stage that an error passes may add a note ("while importing …").
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::vector<std::string>& notes() const { return notes_; }

  // Adds where the error passed through, innermost first.
  void add_note(std::string note);

  // The message, and each note on a line of its own, indented by two spaces.
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<std::string> notes_;
  std::string what_;
};

}  // namespace ropeway
