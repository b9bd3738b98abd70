// What a shared library says of itself, read from its file: nothing of it is loaded.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace ropeway::cann {

struct ElfLibrary {
  std::vector<std::string> needed;       // names of the libraries that it needs
  std::vector<std::string> run_path;     // where it wants them looked for; may contain $ORIGIN
  std::set<std::string> functions;       // that it offers
};

// Throws Error{invalid_model, io, not_found}: `path` is no library of 64 bits, or is cut off.
ElfLibrary read_elf(const std::filesystem::path& path);

// Throws Error{device} when a library is shorter than its headers say: mapping it would end in SIGBUS. Does nothing for files that are no libraries.
void check_whole(const std::filesystem::path& path);

struct MissingLibrary {
  std::string name, needed_by;  // file names
};
// Everything that `library`, what it needs, and what that needs lack in `folders`, in their own run paths and in the C library.
std::vector<MissingLibrary> missing_libraries(const std::filesystem::path& library, std::span<const std::filesystem::path> folders);

}  // namespace ropeway::cann
