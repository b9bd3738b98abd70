#include "ascend/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/env.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace ropeway::ascend {
namespace {

namespace fs = std::filesystem;
constexpr auto kLockPoll = std::chrono::milliseconds(50);

fs::path chosen_folder() {
  if (const auto folder = environment("ROPEWAY_CACHE")) return *folder;
  if (const auto folder = environment("XDG_CACHE_HOME")) return fs::path(*folder) / "ropeway";
  if (const auto home = environment("HOME")) return fs::path(*home) / ".cache" / "ropeway";
  fail(ErrorCode::io, "there is no place for compiled models: set ROPEWAY_CACHE to a folder (HOME is not set either)");
}

// What stands in the file beside an entry: its size and a hash over it.
std::string seal(const fs::path& path) {
  const File file(path);
  const auto content = file.read(0, file.size());
  return fmt::format("{} {:016x}\n", file.size(), content_hash({content.get(), file.size()}));
}

std::string text_of(const fs::path& path) {
  const File file(path);
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace

Cache Cache::open() { return Cache(chosen_folder()); }

Cache::Cache(fs::path folder) : folder_(std::move(folder)) {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  if (problem || access(folder_.c_str(), W_OK) != 0) {
    fail(ErrorCode::io, "compiled models cannot be kept in {}: {}. Set ROPEWAY_CACHE to a folder that can be written", folder_.string(), problem ? problem.message() : std::strerror(errno));
  }
}

std::optional<fs::path> Cache::find(const std::string& key) const {
  const fs::path entry = path(key, ".om");
  std::error_code ignored;
  if (!fs::exists(entry, ignored) || !fs::exists(path(key, ".sum"), ignored)) return std::nullopt;
  if (seal(entry) == text_of(path(key, ".sum"))) return entry;
  fs::remove(path(key, ".sum"), ignored);
  fs::remove(entry, ignored);
  return std::nullopt;
}

std::shared_ptr<void> Cache::lock(const std::string& key, double seconds) const {
  const fs::path file = path(key, ".lock");
  const int descriptor = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(ErrorCode::io, "cannot write {}: {}", file.string(), std::strerror(errno));
  std::shared_ptr<void> held(nullptr, [descriptor](void*) { close(descriptor); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail(ErrorCode::io, "cannot lock {}: {}", file.string(), std::strerror(errno));
    if (std::chrono::steady_clock::now() >= deadline) fail(ErrorCode::device, "another process has been compiling the same model for more than {:.0f} s (it holds {}): end it, or wait and run this again", seconds, file.string());
    std::this_thread::sleep_for(kLockPoll);
  }
  return held;
}

std::shared_ptr<const fs::path> Cache::work_folder(const std::string& key) const {
  const fs::path folder = path(key, ".work");
  std::error_code problem;
  fs::remove_all(folder, problem);  // of a process that was killed
  fs::create_directory(folder, problem);
  if (problem) fail(ErrorCode::io, "cannot make {}: {}", folder.string(), problem.message());
  return {new fs::path(folder), [](const fs::path* made) {
            std::error_code ignored;
            fs::remove_all(*made, ignored);
            delete made;
          }};
}

fs::path Cache::store(const std::string& key, const fs::path& file) const {
  const std::string sum = seal(file);
  const fs::path entry = path(key, ".om");
  std::error_code problem;
  fs::remove(path(key, ".sum"), problem);
  fs::rename(file, entry, problem);
  if (problem) fail(ErrorCode::io, "cannot write {}: {}", entry.string(), problem.message());
  write_file(path(key, ".sum"), sum);
  return entry;
}

}  // namespace ropeway::ascend
