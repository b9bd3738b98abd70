// A copy of the virtual CANN that passes for a real one, to test the way that real ones take.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"
#include "cann/installation.h"
#include "support/cases.h"

namespace ropeway::test {

inline void disguise(const std::filesystem::path& from, const std::filesystem::path& root) {
  std::filesystem::copy(from, root, std::filesystem::copy_options::recursive);
  const std::filesystem::path library = root / "lib64/libascendcl.so";
  std::string bytes = read_text(library);
  const std::string mark = cann::kVirtualMark;
  for (size_t at = bytes.find(mark); at != std::string::npos; at = bytes.find(mark)) bytes.replace(at, mark.size(), mark.size(), 'x');
  write_file(library, bytes);
}

}  // namespace ropeway::test
