#include "cann/installation.h"

#include <fstream>

#include "base/env.h"
#include "base/file.h"
#include "base/text.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;

#if defined(__aarch64__)
constexpr const char* kArchitecture = "aarch64";
#else
constexpr const char* kArchitecture = "x86_64";
#endif

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// The value of "key=value" in a file of such lines; "" when it has none.
std::string value_of(const fs::path& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(key + "=")) return line.substr(key.size() + 1);
  }
  return "";
}

bool contains(const fs::path& path, std::string_view text) {
  const File file(path);
  const auto content = file.read(0, file.size());
  return std::string_view(reinterpret_cast<const char*>(content.get()), file.size()).find(text) != std::string_view::npos;
}

fs::path info_file(const fs::path& root) { return root / (std::string(kArchitecture) + "-linux") / "ascend_toolkit_install.info"; }

std::string version_at(const fs::path& root) {
  if (const std::string version = value_of(info_file(root), "version"); !version.empty()) return version;
  for (const char* key : {"version_dir", "Version"}) {
    if (const std::string version = value_of(root / "runtime" / "version.info", key); !version.empty()) return version;
  }
  return "unknown";
}

void look(Search& search, const fs::path& root, bool is_virtual) {
  if (search.found) return;
  const auto installation = installation_at(root);
  std::string what = "no lib64/libascendcl.so";
  if (installation && installation->is_virtual == is_virtual) search.found = installation;
  if (installation) what = installation->is_virtual ? "Ropeway's virtual CANN" : is_virtual ? "CANN " + installation->version + ", not Ropeway's virtual one" : "CANN " + installation->version;
  search.looked.push_back(fmt::format("{}: {}", root.string(), what));
}

}  // namespace

std::optional<Installation> installation_at(const fs::path& root) {
  const fs::path whole = fs::absolute(root);  // compilers run elsewhere
  Installation result{whole, whole / "lib64" / "libascendcl.so", std::nullopt, version_at(root), false};
  if (!is_file(result.library)) return std::nullopt;
  result.is_virtual = contains(result.library, kVirtualMark);
  for (const char* place : {"bin/atc", "compiler/bin/atc", "atc/bin/atc"}) {
    if (!result.atc && is_file(whole / place)) result.atc = whole / place;
  }
  return result;
}

Search find_installation() {
  Search search;
  for (const char* variable : {"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"}) {
    if (const auto root = environment(variable)) look(search, *root, false);
    else if (!search.found) search.looked.push_back(fmt::format("{}: not set", variable));
  }
  std::vector<fs::path> bases = {"/usr/local/Ascend"};
  if (const auto home = environment("HOME")) bases.push_back(fs::path(*home) / "Ascend");
  for (const fs::path& base : bases) {
    for (const char* place : {"ascend-toolkit/latest", "cann", "nnrt/latest", "nnae/latest"}) look(search, base / place, false);
  }
  return search;
}

Search find_virtual_installation() {
  Search search;
  if (const auto root = environment("ROPEWAY_VIRTUAL_HOME")) {
    look(search, *root, true);
    return search;
  }
  std::error_code problem;
  const fs::path program = fs::read_symlink("/proc/self/exe", problem);
  if (problem) search.looked.push_back("the folder of this program: unknown, because /proc cannot be read");
  else look(search, program.parent_path() / "virtual-cann", true);
  return search;
}

std::string to_string(const Installation& installation) { return fmt::format("{}{} at {}", installation.is_virtual ? "virtual " : "", installation.version, installation.root.string()); }

}  // namespace ropeway::cann
