#include "cann/library.h"

#include <dlfcn.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/text.h"

namespace ropeway::cann {
namespace {

std::string why_not_opened() {
  const char* text = dlerror();
  return text == nullptr ? "no reason is given" : text;
}

// The libraries of one installation, opened when they are first asked for.
class Handles {
 public:
  explicit Handles(const std::filesystem::path& first) : folder_(first.parent_path()) {
    handles_[first.filename()] = dlopen(first.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handles_[first.filename()] == nullptr) {
      fail(ErrorCode::device, "cannot load CANN's {}: {}. If a library that it needs is missing, run CANN's environment script in this shell first: source {}", first.string(), why_not_opened(),
           (folder_.parent_path() / "set_env.sh").string());
    }
    main_ = first.filename();
  }

  void* find(const char* name, const char* library) {
    if (void* address = dlsym(handles_.at(main_), name)) return address;
    const auto [at, added] = handles_.emplace(library, nullptr);
    if (added) at->second = dlopen((folder_ / library).c_str(), RTLD_NOW | RTLD_LOCAL);
    return at->second == nullptr ? nullptr : dlsym(at->second, name);
  }

 private:
  std::filesystem::path folder_;
  std::string main_;
  std::map<std::string, void*> handles_;  // null for one that is not there
};

}  // namespace

std::shared_ptr<const Library> Library::load(const std::filesystem::path& path) {
  static std::mutex mutex;
  static std::map<std::filesystem::path, std::shared_ptr<const Library>> loaded;
  const std::lock_guard lock(mutex);
  if (const auto at = loaded.find(path); at != loaded.end()) return at->second;

  constexpr bool needed = true, offered = false;
  Handles handles(path);
  std::shared_ptr<Library> library(new Library(path));
  std::vector<std::string> missing;
#define ROPEWAY_CANN(file, need, result, name, parameters)                                       \
  library->functions_.name = reinterpret_cast<decltype(Functions::name)>(handles.find(#name, file)); \
  if ((need) && library->functions_.name == nullptr) missing.emplace_back(#name);
#include "cann/abi.def"
#undef ROPEWAY_CANN
  (void)offered;
  if (!missing.empty()) {
    fail(ErrorCode::device, "{} lacks {} of the functions that running a model needs: {}. It may be of a CANN too old (8.1.RC1 has them all), or a link-time stub", path.string(), missing.size(),
         listed(missing));
  }
  loaded[path] = library;
  return library;
}

}  // namespace ropeway::cann
