#include "ascend/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/env.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace ropeway::ascend {
namespace {

namespace fs = std::filesystem;
constexpr auto kLockPoll = std::chrono::milliseconds(50);
constexpr uintmax_t kDefaultLimit = 4'000'000'000;
constexpr std::time_t kInUseSeconds = 60;  // an entry that was found is loaded within this time

fs::path chosen_folder() {
  if (const auto folder = environment("ROPEWAY_CACHE")) return *folder;
  if (const auto folder = environment("XDG_CACHE_HOME")) return fs::path(*folder) / "ropeway";
  if (const auto home = environment("HOME")) return fs::path(*home) / ".cache" / "ropeway";
  fail(ErrorCode::io, "there is no place for compiled models: set ROPEWAY_CACHE to a folder (HOME is not set either)");
}

bool is_key(const std::string& name) { return name.size() == content_key("").size() && name.find_first_not_of("0123456789abcdef") == std::string::npos; }

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

Cache Cache::open() {
  limit();  // wrong settings are told before minutes of compiling, not after
  return Cache(chosen_folder());
}

Cache::Cache(fs::path folder) : folder_(fs::absolute(std::move(folder))) {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  if (problem) fail(ErrorCode::io, "compiled models cannot be kept in {}: {}. Set ROPEWAY_CACHE to a folder that can be written", folder_.string(), problem.message());
}

uintmax_t Cache::limit() { return environment_megabytes("ROPEWAY_CACHE_SIZE").value_or(kDefaultLimit); }

std::vector<CacheEntry> Cache::entries() const {
  std::vector<CacheEntry> result;
  std::error_code ignored;
  for (const auto& each : fs::directory_iterator(folder_, ignored)) {
    if (each.path().extension() != ".om" || !fs::is_regular_file(fs::path(each.path()).replace_extension(".sum"), ignored)) continue;  // somebody else's
    struct stat status{};
    if (stat(each.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    CacheEntry entry{each.path().stem().string(), "", static_cast<uintmax_t>(status.st_size), status.st_mtime};
    std::ifstream sum(path(entry.key, ".sum"));
    std::string first;
    std::getline(sum, first);
    std::getline(sum, entry.model);
    result.push_back(std::move(entry));
  }
  std::stable_sort(result.begin(), result.end(), [](const CacheEntry& a, const CacheEntry& b) { return a.last_use > b.last_use; });
  return result;
}

std::pair<size_t, uintmax_t> Cache::clear() const {
  std::pair<size_t, uintmax_t> removed;
  const auto remove_all_of = [&](const std::string& key) {
    const auto held = try_lock(key);
    if (!held) return false;
    remove_work_folders(key);
    return discard(key);
  };
  for (const CacheEntry& entry : entries()) {
    if (!remove_all_of(entry.key)) continue;
    ++removed.first;
    removed.second += entry.bytes;
  }
  std::vector<std::string> left;  // keys without an entry: of compilations that failed or were killed
  std::error_code ignored;
  for (const auto& each : fs::directory_iterator(folder_, ignored)) {
    if (each.path().extension() == ".lock" && is_key(each.path().stem().string())) left.push_back(each.path().stem().string());
  }
  for (const std::string& key : left) remove_all_of(key);
  return removed;
}

void Cache::make_room(const std::string& kept) const {
  const uintmax_t most = limit();
  std::vector<CacheEntry> all = entries();
  uintmax_t total = 0;
  for (const CacheEntry& entry : all) total += entry.bytes;
  const std::time_t now = std::time(nullptr);
  for (auto entry = all.rbegin(); entry != all.rend() && total > most; ++entry) {
    if (entry->key == kept || now - entry->last_use < kInUseSeconds) continue;
    try {
      const auto held = try_lock(entry->key);
      if (held && discard(entry->key)) total -= entry->bytes;
    } catch (const Error&) {
      // Another user's, who may not be asked to remove it here.
    }
  }
}

std::optional<fs::path> Cache::find(const std::string& key) const {
  const fs::path entry = path(key, ".om");
  std::error_code ignored;
  if (!fs::is_regular_file(entry, ignored) || !fs::is_regular_file(path(key, ".sum"), ignored)) return std::nullopt;
  try {
    if (!text_of(path(key, ".sum")).starts_with(seal(entry))) return std::nullopt;
    utimensat(AT_FDCWD, entry.c_str(), nullptr, 0);  // used now; where that cannot be written, nothing is ever removed either
    return entry;
  } catch (const Error& error) {
    // It went away, or shrank, while it was read: another process is at work on it.
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::invalid_model) throw;
  }
  return std::nullopt;
}

// Its holder removes a lock file before letting go: only a lock on the file that is still there counts.
std::shared_ptr<void> Cache::try_lock(const std::string& key) const {
  const fs::path file = path(key, ".lock");
  for (;;) {
    const int descriptor = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (descriptor < 0) fail(ErrorCode::io, "compiled models cannot be kept in {}: {}. Set ROPEWAY_CACHE to a folder that can be written", folder_.string(), std::strerror(errno));
    struct stat locked{}, there{};
    const bool got = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    const int problem = got ? 0 : errno;
    if (got && fstat(descriptor, &locked) == 0 && stat(file.c_str(), &there) == 0 && locked.st_ino == there.st_ino) {
      return std::shared_ptr<fs::path>(new fs::path(file), [descriptor](const fs::path* held) {
        unlink(held->c_str());
        close(descriptor);
        delete held;
      });
    }
    close(descriptor);
    if (problem == EWOULDBLOCK) return nullptr;
    if (problem != 0 && problem != EINTR) fail(ErrorCode::io, "cannot lock {}: {}", file.string(), std::strerror(problem));
  }
}

std::shared_ptr<void> Cache::lock(const std::string& key, double seconds) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (;;) {
    if (auto held = try_lock(key)) return held;
    if (std::chrono::steady_clock::now() >= deadline) {
      fail(ErrorCode::device, "another process has been compiling the same model for more than {:.0f} s (it holds {}): end it, or wait and run this again", seconds, path(key, ".lock").string());
    }
    std::this_thread::sleep_for(kLockPoll);
  }
}

void Cache::remove_work_folders(const std::string& key) const {
  std::error_code problem;
  for (const auto& each : fs::directory_iterator(folder_, problem)) {
    std::error_code ignored;
    if (each.path().filename().string().starts_with(key + ".work.")) fs::remove_all(each.path(), ignored);
  }
}

std::shared_ptr<const fs::path> Cache::work_folder(const std::string& key) const {
  remove_work_folders(key);  // of processes that were killed
  std::string pattern = path(key, ".work.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) fail(ErrorCode::io, "cannot make a folder in {}: {}", folder_.string(), std::strerror(errno));
  return {new fs::path(pattern), [](const fs::path* made) {
            std::error_code ignored;
            fs::remove_all(*made, ignored);
            delete made;
          }};
}

fs::path Cache::store(const std::string& key, const fs::path& file, const std::string& model) const {
  const std::string sum = seal(file);
  const fs::path entry = path(key, ".om");
  discard(key);
  std::error_code problem;
  fs::rename(file, entry, problem);
  if (problem) fail(ErrorCode::io, "cannot write {}: {}", entry.string(), problem.message());
  try {
    write_file(path(key, ".sum"), sum + model + "\n");
  } catch (const Error&) {
    discard(key);
    throw;
  }
  make_room(key);
  return entry;
}

bool Cache::discard(const std::string& key) const {
  std::error_code ignored;
  fs::remove(path(key, ".sum"), ignored);
  fs::remove_all(path(key, ".om"), ignored);
  return !fs::exists(path(key, ".om"), ignored);
}

}  // namespace ropeway::ascend
