// Loading CANN's libraries at run time: nothing is linked, so the program starts on machines without CANN.
#pragma once

#include <filesystem>
#include <memory>

#include "cann/functions.h"
#include "cann/machine.h"

namespace ropeway::cann {

// A loaded libascendcl.so. Needed functions are all there; offered ones may be null. Never unloaded: CANN's own threads may outlive a caller.
class Library {
 public:
  // Loads `path`, or returns what a former call loaded from it. Functions that it lacks are looked for in the libraries of CANN 9 beside it; libraries that these need, in
  // CANN's folders and its driver's, whatever LD_LIBRARY_PATH says. Link-time stubs are passed over.
  // Throws Error{device}: the library, or one that it depends on, cannot be opened; or needed functions are missing, all of which are named.
  static std::shared_ptr<const Library> load(const std::filesystem::path& path, const Machine& machine = {});

  const std::filesystem::path& path() const { return path_; }
  const Functions& functions() const { return functions_; }

 private:
  explicit Library(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
  Functions functions_;
};

}  // namespace ropeway::cann
