// Compiled models on disk, by the content that they were compiled from. Processes may share it.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ropeway::ascend {

struct CacheEntry {
  std::string key;
  std::string model;         // what it was compiled from, for whom: "resnet34 for Ascend310B1, CANN 8.1.RC1"; "" when that is not known any more
  uintmax_t bytes = 0;
  std::time_t last_use = 0;  // seconds since 1970
};

class Cache {
 public:
  // The folder that ROPEWAY_CACHE names, else ropeway in XDG_CACHE_HOME, else in ~/.cache. It is made when it is missing. Throws Error{io}.
  static Cache open();
  explicit Cache(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  // What there is, the last used first.
  std::vector<CacheEntry> entries() const;
  // Removes every entry that no process is making just now, and what killed processes left; nothing else that lies in the folder. Returns how many entries and bytes that was.
  std::pair<size_t, uintmax_t> clear() const;
  // The most bytes that entries take together: ROPEWAY_CACHE_SIZE (in MB), else 4 GB. Throws Error{invalid_argument}.
  static uintmax_t limit();

  // The entry under `key`, when it is there and its content is what was stored; it counts as used now. A cache that cannot be written still serves.
  std::optional<std::filesystem::path> find(const std::string& key) const;

  // Held by one process at a time, for the time that it makes the entry; freed when the process ends, however it ends. Waits for others for up to `seconds`.
  // Throws Error{device} when they take longer, Error{io}.
  std::shared_ptr<void> lock(const std::string& key, double seconds) const;
  // The same without waiting: null when another holds it.
  std::shared_ptr<void> try_lock(const std::string& key) const;

  // An empty folder of its own to make the entry in, removed with the last copy of the pointer; what killed processes left is removed too. For the holder of the lock.
  std::shared_ptr<const std::filesystem::path> work_folder(const std::string& key) const;

  // Moves `file`, which is in the work folder, to its place: find() sees the whole entry or none. Returns its path. Throws Error{io}. For the holder of the lock.
  // `model`: see CacheEntry. Entries that were not used for the longest time go while all together take more than limit(); not those that were used a moment ago,
  // which somebody may be about to load.
  std::filesystem::path store(const std::string& key, const std::filesystem::path& file, const std::string& model) const;

  // Removes an entry, so that it is made again. Returns whether it is gone: it may be another user's.
  bool discard(const std::string& key) const;

 private:
  std::filesystem::path path(const std::string& key, const char* ending) const { return folder_ / (key + ending); }
  void make_room(const std::string& kept) const;
  void remove_work_folders(const std::string& key) const;
  std::filesystem::path folder_;
};

}  // namespace ropeway::ascend
