#include "selftest/archive.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/env.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"

namespace ropeway::selftest {
namespace {

namespace fs = std::filesystem;

constexpr double kTarSeconds = 60;

// Beside the archive, so that what is in it can be moved there; removed with what is left in it.
struct WorkFolder {
  fs::path path;
  explicit WorkFolder(const fs::path& archive) {
    std::string pattern = (fs::absolute(archive).parent_path() / ".selftest.XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) fail(ErrorCode::io, "cannot make a folder in {}: {}", fs::absolute(archive).parent_path().string(), std::strerror(errno));
    path = pattern;
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
};

std::optional<fs::path> find_program(const char* name) {
  std::error_code ignored;
  for (const std::string& folder : split(environment("PATH").value_or(""), ':')) {
    if (!folder.empty() && fs::is_regular_file(fs::path(folder) / name, ignored)) return fs::absolute(fs::path(folder) / name);
  }
  return std::nullopt;
}

std::string stem(const fs::path& archive) {
  std::string name = archive.filename().string();
  for (const std::string ending : {".tar.gz", ".tgz"}) {
    if (name.size() > ending.size() && name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return name + ".files";  // the archive's own name is for the archive
}

// "" when the archive is made.
std::string pack(const fs::path& folder, const std::string& name, const fs::path& to) {
  const auto tar = find_program("tar");
  if (!tar) return "there is no tar on PATH";
  // As others name owners, they would be in the archive.
  const ProcessResult result = run_process({tar->string(), "--owner=0", "--group=0", "--numeric-owner", "-czf", to.string(), name}, folder, kTarSeconds);
  if (result.status == 0) return "";
  return fmt::format("{} cannot make it: {}", tar->string(), result.timed_out ? "it takes too long" : result.output.empty() ? fmt::format("exit status {}", result.status) : result.output.substr(0, result.output.find('\n')));
}

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code problem;
  fs::rename(from, to, problem);
  if (problem) fail(ErrorCode::io, "cannot write {}: {}", to.string(), problem.message());
}

}  // namespace

Archived write_archive(const fs::path& archive, const std::map<std::string, std::string>& files) {
  const WorkFolder work(archive);
  const std::string name = stem(archive);
  for (const auto& [path, content] : files) {
    const fs::path file = work.path / name / path;
    std::error_code problem;
    fs::create_directories(file.parent_path(), problem);
    if (problem) fail(ErrorCode::io, "cannot make the folder {}: {}", file.parent_path().string(), problem.message());
    write_file(file, content);
  }
  const std::string why_not = pack(work.path, name, work.path / "archive");
  if (why_not.empty()) {
    move_to(work.path / "archive", archive);
    return {archive, ""};
  }
  fs::path folder = archive;
  folder.replace_filename(name);
  std::error_code ignored;
  for (int i = 2; fs::exists(folder, ignored); ++i) folder.replace_filename(fmt::format("{}-{}", name, i));  // never what is there already
  move_to(work.path / name, folder);
  return {folder, why_not};
}

}  // namespace ropeway::selftest
