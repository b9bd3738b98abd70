#include "cli/outputs.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "cli/options.h"
#include "formats/npy.h"

namespace ropeway::cli {
namespace {

std::string safe(const std::string& name) {
  std::string result = name.empty() ? "output" : name;
  for (char& c : result) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_' && c != '-') c = '_';
  }
  if (result[0] == '.') result[0] = '_';
  return result;
}

// Folders to remove unless the work ends well: innermost last.
struct Cleanup {
  std::vector<std::filesystem::path> folders;
  ~Cleanup() {
    std::error_code ignored;
    for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) std::filesystem::remove_all(*folder, ignored);
  }
};

}  // namespace

std::vector<std::string> file_names(const std::vector<ValueInfo>& outputs) {
  std::vector<std::string> names;
  for (const ValueInfo& output : outputs) {
    const std::string base = safe(output.name);
    std::string name = base + ".npy";
    for (int i = 1; std::find(names.begin(), names.end(), name) != names.end(); ++i) name = fmt::format("{}_{}.npy", base, i);
    names.push_back(std::move(name));
  }
  return names;
}

void check_output_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) return check_writable(folder.has_filename() ? folder : folder.parent_path());
  if (!std::filesystem::is_directory(folder, ignored)) fail(ErrorCode::io, "cannot write outputs to {}: it is no folder", folder.string());
  if (access(folder.c_str(), W_OK) != 0) fail(ErrorCode::io, "cannot write outputs to {}: {}", folder.string(), std::strerror(errno));
}

void write_outputs(const std::filesystem::path& folder, const std::vector<ValueInfo>& outputs, const std::vector<Tensor>& values) {
  const std::vector<std::string> names = file_names(outputs);
  Cleanup made, temporary;
  std::error_code problem;
  if (std::filesystem::create_directory(folder, problem)) made.folders.push_back(folder);
  if (problem || !std::filesystem::is_directory(folder)) fail(ErrorCode::io, "cannot write outputs to {}: {}", folder.string(), problem ? problem.message() : "it is no folder");
  std::string staging = (folder / ".ropeway-XXXXXX").string();
  if (mkdtemp(staging.data()) == nullptr) fail(ErrorCode::io, "cannot write to the folder {}: {}", folder.string(), std::strerror(errno));
  temporary.folders.emplace_back(staging);
  for (size_t i = 0; i < names.size(); ++i) {
    const std::filesystem::path target = folder / names[i];
    if (std::filesystem::is_directory(target, problem)) fail(ErrorCode::io, "cannot write {}: it is a folder", target.string());
    write_npy(staging / std::filesystem::path(names[i]), values[i]);
  }
  // From here on only renaming is left, within one file system.
  for (const std::string& name : names) {
    std::filesystem::rename(staging / std::filesystem::path(name), folder / name, problem);
    if (problem) fail(ErrorCode::io, "cannot write {}: {}", (folder / name).string(), problem.message());
  }
  made.folders.clear();
}

}  // namespace ropeway::cli
