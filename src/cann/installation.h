// Finding CANN on this machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ropeway::cann {

// In the bytes of every virtual libascendcl.so: the library itself says what it is, whatever files lie around it.
inline constexpr char kVirtualMark[] = "ropeway-virtual-libascendcl";

struct Installation {
  std::filesystem::path root;                // absolute; has lib64
  std::filesystem::path library;             // lib64/libascendcl.so
  std::optional<std::filesystem::path> atc;  // the compiler; the run-time package of a board has none
  std::string version;                       // "8.1.RC1", or "unknown"
  bool is_virtual = false;                   // Ropeway's own, which needs no NPU: predicted
};

// What stands at `root`; nothing when there is no libascendcl.so in it.
std::optional<Installation> installation_at(const std::filesystem::path& root);

struct Search {
  std::optional<Installation> found;
  std::vector<std::string> looked;  // places in order, with what was there
};

// A real CANN: where ASCEND_HOME_PATH and ASCEND_TOOLKIT_HOME say, then where its installers put it. A virtual one does not count.
Search find_installation();

// Ropeway's virtual CANN: where ROPEWAY_VIRTUAL_HOME says, else beside the program.
Search find_virtual_installation();

// "8.1.RC1 at /usr/local/Ascend/…".
std::string to_string(const Installation& installation);

}  // namespace ropeway::cann
