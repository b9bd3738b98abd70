// Objects that callers hold by their handles: a foreign or stale one is told from a good one.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace ropeway::virtual_npu {

// A number that looks like a pointer, but is never the address of anything, nor ever given again: what is destroyed stays unknown, whatever is made after it.
inline const void* new_handle() {
  static std::atomic<uintptr_t> next = uintptr_t{0x6e7075} << 40;
  return reinterpret_cast<const void*>(next += 16);
}

// Any thread may call.
template <class T>
class Handles {
 public:
  T* add(std::shared_ptr<T> object) {
    const void* const handle = new_handle();
    const std::lock_guard lock(mutex_);
    objects_.emplace(handle, std::move(object));
    return static_cast<T*>(const_cast<void*>(handle));
  }
  // Null for what is none.
  std::shared_ptr<T> find(const void* handle) const {
    const std::lock_guard lock(mutex_);
    const auto at = objects_.find(handle);
    return at == objects_.end() ? nullptr : at->second;
  }
  // The object, for the caller to let go of; null for what is none.
  std::shared_ptr<T> remove(const void* handle) {
    const std::lock_guard lock(mutex_);
    const auto at = objects_.find(handle);
    if (at == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(at->second);
    objects_.erase(at);
    return object;
  }
  // All of them, for the caller to let go of.
  std::vector<std::shared_ptr<T>> clear() {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<T>> all;
    for (auto& [handle, object] : objects_) all.push_back(std::move(object));
    objects_.clear();
    return all;
  }
  std::vector<std::shared_ptr<T>> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<T>> all;
    for (const auto& [handle, object] : objects_) all.push_back(object);
    return all;
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return objects_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<const void*, std::shared_ptr<T>> objects_;
};

}  // namespace ropeway::virtual_npu
