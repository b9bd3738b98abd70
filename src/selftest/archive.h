// Files in one archive.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace ropeway::selftest {

struct Archived {
  std::filesystem::path path;  // of the archive; where no tar is, of the folder that was left instead
  std::string why_folder;      // "" for an archive
};

// Writes `files` (path in the archive → content) as `archive`, a .tar.gz with one folder in it, by the system's tar: whole or not at all, and without the names of who owns them.
// Where there is no tar that can, the folder is left beside it. Throws Error{io}.
Archived write_archive(const std::filesystem::path& archive, const std::map<std::string, std::string>& files);

}  // namespace ropeway::selftest
