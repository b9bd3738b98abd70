// What CANN's environment scripts would set, from what lies in an installation.
#include <algorithm>

#include "base/text.h"
#include "cann/installation.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSmallMemory = uint64_t{16} << 30;

void add_folder(std::vector<fs::path>& folders, const fs::path& path) {
  if (is_folder(path) && std::find(folders.begin(), folders.end(), path) == folders.end()) folders.push_back(path);
}

// `folders` before what the user has.
void set_list(std::map<std::string, std::string>& result, const Machine& machine, const char* name, const std::vector<fs::path>& folders) {
  if (folders.empty()) return;
  std::vector<std::string> entries;
  for (const fs::path& folder : folders) entries.push_back(folder.string());
  if (const auto before = machine.variable(name)) entries.push_back(*before);
  result[name] = fmt::format("{}", fmt::join(entries, ":"));
}

}  // namespace

fs::path driver_folder(const Machine& machine) {
  const std::string base = value_of(machine.at("/etc/ascend_install.info"), "Driver_Install_Path_Param");
  return machine.at(fs::path(base.empty() ? "/usr/local/Ascend" : base)) / "driver";
}

std::vector<fs::path> library_folders(const fs::path& library, const Machine& machine) {
  std::vector<fs::path> folders;
  fs::path root = library.parent_path().parent_path();
  if (const std::string name = root.filename().string(); name == "runtime" || name.ends_with("-linux")) root = root.parent_path();
  add_folder(folders, library.parent_path());
  for (const char* place : {"lib64", "lib64/plugin/opskernel", "lib64/plugin/nnengine", "runtime/lib64", "compiler/lib64", "hccl/lib64", "tools/aml/lib64", "tools/aml/lib64/plugin"}) add_folder(folders, root / place);
  add_folder(folders, root / "opp/built-in/op_impl/ai_core/tbe/op_tiling/lib/linux" / machine.architecture());
  for (const char* place : {"lib64", "lib64/common", "lib64/driver"}) add_folder(folders, driver_folder(machine) / place);
  return folders;
}

bool is_stub_folder(const fs::path& folder) {
  return std::any_of(folder.begin(), folder.end(), [](const fs::path& part) { return part == "devlib" || part == "stub" || part == "stubs"; });
}

std::string why_compiling_is_slow(const Machine& machine) {
  const auto memory = machine.memory_bytes();
  if (std::string_view(machine.architecture()) != "aarch64" && memory.value_or(kSmallMemory) >= kSmallMemory) return "";
  return fmt::format("compiling on this machine ({}, {} of memory) may take hours and run out of memory, though atc gets one worker unless MAX_COMPILE_CORE_NUMBER says otherwise; compile on a PC with CANN's toolkit, and run the .om here",
                     machine.architecture(), memory ? readable_bytes(static_cast<double>(*memory)) : "an unknown amount");
}

std::map<std::string, std::string> compiler_environment(const Installation& installation, const Machine& machine) {
  std::map<std::string, std::string> result;
  const fs::path& root = installation.root;
  const auto set = [&](const char* name, const fs::path& path) {
    if (!machine.variable(name) && is_folder(path)) result[name] = path.string();
  };
  for (const char* name : {"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_AICPU_PATH"}) set(name, root);
  set("ASCEND_OPP_PATH", root / "opp");
  set("TOOLCHAIN_HOME", root / "toolkit");
  set_list(result, machine, "LD_LIBRARY_PATH", library_folders(installation.library, machine));
  std::vector<fs::path> modules, programs;
  for (const char* place : {"python/site-packages", "opp/built-in/op_impl/ai_core/tbe"}) add_folder(modules, root / place);
  for (const char* place : {"bin", "compiler/ccec_compiler/bin", "tools/ccec_compiler/bin"}) add_folder(programs, root / place);
  set_list(result, machine, "PYTHONPATH", modules);
  set_list(result, machine, "PATH", programs);
  if (!why_compiling_is_slow(machine).empty()) {
    for (const char* name : {"TE_PARALLEL_COMPILER", "MAX_COMPILE_CORE_NUMBER"}) {
      if (!machine.variable(name)) result.emplace(name, "1");
    }
  }
  return result;
}

}  // namespace ropeway::cann
