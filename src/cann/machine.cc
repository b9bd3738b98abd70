#include "cann/machine.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/text.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;

std::string trimmed(const std::string& text) {
  constexpr const char* kAround = " \t\r\"'";
  const size_t begin = text.find_first_not_of(kAround);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kAround) - begin + 1);
}

// The parts of a version as pairs that sort: other words (alpha), release candidates, the end, numbers.
std::vector<std::pair<int, long>> parts_of(const std::string& version) {
  std::vector<std::pair<int, long>> parts;
  for (const std::string& part : split(version, '.')) {
    const size_t digits = std::min(part.find_first_of("0123456789"), part.size());
    long number = 0;
    for (size_t i = digits; i < part.size() && part[i] >= '0' && part[i] <= '9' && number < 100'000'000; ++i) number = number * 10 + (part[i] - '0');
    parts.emplace_back(digits == 0 ? 3 : part.starts_with("RC") || part.starts_with("rc") ? 1 : 0, number);
  }
  parts.emplace_back(2, 0);
  return parts;
}

}  // namespace

fs::path Machine::at(const fs::path& path) const { return is_this() || path.is_relative() ? path : root / path.relative_path(); }

std::string Machine::shown(const fs::path& path) const {
  if (is_this()) return path.string();
  const fs::path inner = fs::absolute(path).lexically_normal().lexically_relative(fs::absolute(root).lexically_normal());
  return inner.empty() || *inner.begin() == ".." ? path.string() : (fs::path("/") / inner).string();
}

std::optional<std::string> Machine::variable(const std::string& name) const {
  const auto found = variables.find(name);
  return found == variables.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> Machine::variable_list(const std::string& name) const {
  std::vector<std::string> entries = split(variable(name).value_or(""), ':');
  std::erase(entries, "");
  return entries;
}

const char* Machine::architecture() const {
  std::error_code ignored;
#if defined(__aarch64__)
  const bool is_arm = is_this() || fs::exists(at("/lib/ld-linux-aarch64.so.1"), ignored);
#else
  const bool is_arm = !is_this() && fs::exists(at("/lib/ld-linux-aarch64.so.1"), ignored);
#endif
  return is_arm ? "aarch64" : "x86_64";
}

std::optional<uint64_t> Machine::memory_bytes() const {
  std::ifstream stream(at("/proc/meminfo"));
  std::string word;
  uint64_t kilobytes = 0;
  if (stream >> word >> kilobytes && word == "MemTotal:") return kilobytes * 1024;
  return std::nullopt;
}

std::vector<fs::path> Machine::system_folders() const {
  std::error_code ignored;
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& path) {
    const fs::path here = at(path);
    if (fs::is_directory(here, ignored) && std::find(folders.begin(), folders.end(), here) == folders.end()) folders.push_back(here);
  };
  std::vector<fs::path> files = {at("/etc/ld.so.conf")};
  for (const auto& entry : fs::directory_iterator(at("/etc/ld.so.conf.d"), ignored)) files.push_back(entry.path());
  for (const fs::path& file : files) {
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with("/")) add(trimmed(line));
    }
  }
  for (const char* place : {"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"}) add(place);
  for (const char* place : {"/lib", "/usr/lib"}) add(fs::path(place) / fmt::format("{}-linux-gnu", architecture()));
  return folders;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string value_of(const fs::path& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(key + "=")) return trimmed(line.substr(key.size() + 1));
  }
  return "";
}

bool is_older(const std::string& a, const std::string& b) { return parts_of(a) < parts_of(b); }

}  // namespace ropeway::cann
