// Compiled models on disk, by the content that they were compiled from. Processes may share it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace ropeway::ascend {

class Cache {
 public:
  // The folder that ROPEWAY_CACHE names, else ropeway in XDG_CACHE_HOME, else in ~/.cache. It is made when it is missing. Throws Error{io}.
  static Cache open();
  explicit Cache(std::filesystem::path folder);

  // The entry under `key`, when it is there and its content is what was stored. Reads only: a cache that cannot be written still serves.
  std::optional<std::filesystem::path> find(const std::string& key) const;

  // Held by one process at a time, for the time that it makes the entry; freed when the process ends, however it ends. Waits for others for up to `seconds`.
  // Throws Error{device} when they take longer, Error{io}.
  std::shared_ptr<void> lock(const std::string& key, double seconds) const;

  // An empty folder of its own to make the entry in, removed with the last copy of the pointer; what killed processes left is removed too. For the holder of the lock.
  std::shared_ptr<const std::filesystem::path> work_folder(const std::string& key) const;

  // Moves `file`, which is in the work folder, to its place: find() sees the whole entry or none. Returns its path. Throws Error{io}. For the holder of the lock.
  std::filesystem::path store(const std::string& key, const std::filesystem::path& file) const;

  // Removes an entry, so that it is made again.
  void discard(const std::string& key) const;

 private:
  std::filesystem::path path(const std::string& key, const char* ending) const { return folder_ / (key + ending); }
  std::filesystem::path folder_;
};

}  // namespace ropeway::ascend
