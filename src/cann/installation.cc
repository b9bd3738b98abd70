#include "cann/installation.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "base/file.h"
#include "base/text.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;

// Variables that tell a root, and how it is told.
struct Variable {
  const char* name;
  bool in_root;  // it is a folder of the root
};
constexpr Variable kVariables[] = {{"ASCEND_HOME_PATH", false}, {"ASCEND_TOOLKIT_HOME", false}, {"ASCEND_INSTALL_PATH", false}, {"ASCEND_AICPU_PATH", false}, {"ASCEND_OPP_PATH", true}};

// Where installers put a root below the folder that they are given: its package's folder, and in it the link to the version in use.
struct Place {
  const char* folder;
  const char* link;
};
constexpr Place kPlaces[] = {{"ascend-toolkit", "latest"}, {"cann", ""}, {"nnrt", "latest"}, {"nnae", "latest"}};

constexpr const char* kArchitectures[] = {"aarch64", "x86_64"};

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// Of one that cannot be read this is not known; loading it will say why.
bool contains(const fs::path& path, std::string_view text) {
  try {
    const File file(path);
    const auto content = file.read(0, file.size());
    return std::string_view(reinterpret_cast<const char*>(content.get()), file.size()).find(text) != std::string_view::npos;
  } catch (const Error&) {
    return false;
  }
}

std::string version_at(const fs::path& root) {
  for (const char* architecture : kArchitectures) {
    for (const char* package : {"toolkit", "nnrt", "nnae"}) {
      const fs::path file = root / fmt::format("{}-linux", architecture) / fmt::format("ascend_{}_install.info", package);
      if (const std::string version = value_of(file, "version"); !version.empty()) return version;
    }
  }
  for (const char* file : {"runtime/version.info", "share/info/runtime/version.info", "version.info"}) {
    for (const char* key : {"version_dir", "Version"}) {
      if (const std::string version = value_of(root / file, key); !version.empty()) return version;
    }
  }
  return "unknown";
}

// The library to begin with; nothing when none is there.
std::optional<fs::path> library_at(const fs::path& root) {
  for (const char* library : {kAclLibraries[0], kAclLibraries[1]}) {
    for (const char* folder : {"lib64", "aarch64-linux/lib64", "x86_64-linux/lib64", "runtime/lib64"}) {
      if (is_file(root / folder / library)) return root / folder / library;
    }
  }
  return std::nullopt;
}

// Versions beside each other (nnrt/8.0.0, cann-9.1.0), the newest first.
std::vector<fs::path> versions_in(const fs::path& base, const std::string& folder) {
  std::vector<std::pair<std::string, fs::path>> found;
  const auto collect = [&](const fs::path& where, const std::string& before) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(where, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.size() > before.size() && name.starts_with(before) && name[before.size()] >= '0' && name[before.size()] <= '9') found.emplace_back(name.substr(before.size()), entry.path());
    }
  };
  collect(base / folder, "");
  collect(base, folder + "-");
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return is_older(b.first, a.first); });
  std::vector<fs::path> result;
  for (const auto& [version, path] : found) result.push_back(path);
  return result;
}

// The folders that installers were given.
std::vector<fs::path> bases(const Machine& machine) {
  std::vector<fs::path> result = {machine.at("/usr/local/Ascend")};
  const auto add = [&](const fs::path& base) {
    if (std::find(result.begin(), result.end(), base) == result.end()) result.push_back(base);
  };
  if (const auto home = machine.variable("HOME")) add(machine.at(fs::path(*home) / "Ascend"));
  std::ifstream notes(machine.at("/etc/Ascend/ascend_cann_install.info"));
  for (std::string line; std::getline(notes, line);) {
    const size_t at = line.find('/');
    if (at == std::string::npos) continue;
    add(machine.at(without_slash(line.substr(at, line.find_last_not_of(" \t\r\"'") - at + 1))));
  }
  return result;
}

// Places to look at, in order: of each group the first with a CANN counts. The text is for groups without a place.
struct Candidates {
  std::vector<fs::path> roots;
  std::string unset;
};

std::vector<Candidates> candidates(const Machine& machine) {
  std::vector<Candidates> result;
  for (const Variable& variable : kVariables) {
    const auto value = machine.variable(variable.name);
    if (!value) {
      result.push_back({{}, fmt::format("{}: not set", variable.name)});
      continue;
    }
    const fs::path path = machine.at(without_slash(*value)), root = variable.in_root ? path.parent_path() : path;
    result.push_back({{root, root / "latest"}, ""});
  }
  for (const fs::path& base : bases(machine)) {
    for (const Place& place : kPlaces) {
      Candidates group{{*place.link == '\0' ? base / place.folder : base / place.folder / place.link, base / place.folder}, ""};
      for (const fs::path& version : versions_in(base, place.folder)) group.roots.push_back(version);
      result.push_back(std::move(group));
    }
    result.push_back({{base, base / "latest"}, ""});  // the installer's notes may name the root itself
  }
  return result;
}

std::optional<Installation> first_of(const Candidates& group) {
  for (const fs::path& root : group.roots) {
    if (auto installation = installation_at(root)) return installation;
  }
  return std::nullopt;
}

// What was looked at, and whether it is what is looked for.
bool look(Search& search, const Candidates& group, bool is_virtual) {
  if (group.roots.empty()) {
    search.looked.push_back(group.unset);
    return false;
  }
  const auto installation = first_of(group);
  std::string what = "no lib64/libascendcl.so";
  if (installation) what = installation->is_virtual ? "Ropeway's virtual CANN" : is_virtual ? "CANN " + installation->version + ", not Ropeway's virtual one" : "CANN " + installation->version;
  search.looked.push_back(fmt::format("{}: {}", installation ? installation->root.string() : group.roots[0].string(), what));
  if (!installation || installation->is_virtual != is_virtual) return false;
  search.found = installation;
  return true;
}

}  // namespace

std::optional<Installation> installation_at(const fs::path& root) {
  const fs::path whole = fs::absolute(root);  // compilers run elsewhere
  const auto library = library_at(whole);
  if (!library) return std::nullopt;
  Installation result{whole, *library, std::nullopt, version_at(whole), contains(*library, kVirtualMark)};
  if (const auto chosen = environment("ROPEWAY_VIRTUAL_CANN"); result.is_virtual && chosen) result.version = *chosen;  // which CANN it pretends to be
  for (const char* place : {"bin/atc", "compiler/bin/atc", "atc/bin/atc", "aarch64-linux/bin/atc", "x86_64-linux/bin/atc"}) {
    if (!result.atc && is_file(whole / place)) result.atc = whole / place;
  }
  return result;
}

Search find_installation(const Machine& machine) {
  Search search;
  for (const Candidates& group : candidates(machine)) {
    if (look(search, group, false)) break;
  }
  return search;
}

std::vector<Installation> find_all_installations(const Machine& machine) {
  std::vector<Installation> result;
  std::set<fs::path> known;
  for (const Candidates& group : candidates(machine)) {
    const auto installation = first_of(group);
    if (installation && !installation->is_virtual && known.insert(fs::weakly_canonical(installation->library)).second) result.push_back(*installation);
  }
  return result;
}

Search find_virtual_installation() {
  Search search;
  if (const auto root = environment("ROPEWAY_VIRTUAL_HOME")) {
    look(search, {{*root}, ""}, true);
    return search;
  }
  std::error_code problem;
  const fs::path program = fs::read_symlink("/proc/self/exe", problem);
  if (problem) search.looked.push_back("the folder of this program: unknown, because /proc cannot be read");
  else look(search, {{program.parent_path() / "virtual-cann"}, ""}, true);
  return search;
}

std::string to_string(const Installation& installation) { return fmt::format("{}{} at {}", installation.is_virtual ? "virtual " : "", installation.version, installation.root.string()); }

}  // namespace ropeway::cann
