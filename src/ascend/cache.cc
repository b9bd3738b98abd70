#include "ascend/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
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

Cache::Cache(fs::path folder) : folder_(fs::absolute(std::move(folder))) {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  if (problem) fail(ErrorCode::io, "compiled models cannot be kept in {}: {}. Set ROPEWAY_CACHE to a folder that can be written", folder_.string(), problem.message());
}

std::optional<fs::path> Cache::find(const std::string& key) const {
  const fs::path entry = path(key, ".om");
  std::error_code ignored;
  if (!fs::is_regular_file(entry, ignored) || !fs::is_regular_file(path(key, ".sum"), ignored)) return std::nullopt;
  try {
    if (seal(entry) == text_of(path(key, ".sum"))) return entry;
  } catch (const Error& error) {
    // It went away, or shrank, while it was read: another process is at work on it.
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::invalid_model) throw;
  }
  return std::nullopt;
}

std::shared_ptr<void> Cache::lock(const std::string& key, double seconds) const {
  const fs::path file = path(key, ".lock");
  const int descriptor = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(ErrorCode::io, "compiled models cannot be kept in {}: {}. Set ROPEWAY_CACHE to a folder that can be written", folder_.string(), std::strerror(errno));
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
  std::error_code problem;
  for (const auto& each : fs::directory_iterator(folder_, problem)) {
    std::error_code ignored;
    if (each.path().filename().string().starts_with(key + ".work.")) fs::remove_all(each.path(), ignored);  // of a process that was killed
  }
  std::string pattern = path(key, ".work.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) fail(ErrorCode::io, "cannot make a folder in {}: {}", folder_.string(), std::strerror(errno));
  return {new fs::path(pattern), [](const fs::path* made) {
            std::error_code ignored;
            fs::remove_all(*made, ignored);
            delete made;
          }};
}

fs::path Cache::store(const std::string& key, const fs::path& file) const {
  const std::string sum = seal(file);
  const fs::path entry = path(key, ".om");
  discard(key);
  std::error_code problem;
  fs::rename(file, entry, problem);
  if (problem) fail(ErrorCode::io, "cannot write {}: {}", entry.string(), problem.message());
  try {
    write_file(path(key, ".sum"), sum);
  } catch (const Error&) {
    discard(key);
    throw;
  }
  return entry;
}

void Cache::discard(const std::string& key) const {
  std::error_code ignored;
  fs::remove(path(key, ".sum"), ignored);
  fs::remove_all(path(key, ".om"), ignored);
}

}  // namespace ropeway::ascend
