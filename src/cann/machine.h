// The machine that CANN is looked for on: its files and its environment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"

namespace ropeway::cann {

// By default this one. Another root is the file system of another machine, or one made up for a test: it is read, and nothing of it is run. Links
// in it that begin with / lead out of it.
struct Machine {
  std::filesystem::path root = "/";
  std::map<std::string, std::string> variables = environment_variables();

  bool is_this() const { return root == "/"; }
  std::filesystem::path at(const std::filesystem::path& path) const;  // where the machine's `path` is found here; a relative one stays
  std::string shown(const std::filesystem::path& path) const;         // the inverse: as the machine itself calls what is found at `path`

  std::optional<std::string> variable(const std::string& name) const;  // nothing when it is unset or empty
  std::vector<std::string> variable_list(const std::string& name) const;  // parted at colons, as PATH is
  const char* architecture() const;                                    // "aarch64" or "x86_64", as CANN's folders are named
  std::optional<uint64_t> memory_bytes() const;                        // nothing when /proc does not say
  std::vector<std::filesystem::path> system_folders() const;           // where its loader finds libraries by itself; those that exist
};

// Whether something, or a folder, is there; false where that cannot be asked.
bool is_there(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);

// The value of "key=value" in a file of such lines, without quotes and blanks around it; "" when it has none.
std::string value_of(const std::filesystem::path& file, const std::string& key);

// Whether version `a` is older than `b`: number by number, a release candidate before its release ("8.0.RC3" < "8.0.0" < "8.1.RC1").
bool is_older(const std::string& a, const std::string& b);

}  // namespace ropeway::cann
