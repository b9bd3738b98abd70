#include "cann/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace ropeway::cann {
namespace {

std::string why_not_opened() {
  const char* text = dlerror();
  return text == nullptr ? "no reason is given" : text;
}

// A file that is shorter than its headers say ends in SIGBUS when it is mapped: half-copied installations exist.
void check_whole(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;  // here and below: the loader says what is wrong
  const File file(path);
  ElfW(Ehdr) head{};
  if (file.size() < sizeof head) return;
  file.read(0, std::as_writable_bytes(std::span(&head, 1)));
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr))) return;
  uint64_t end = head.e_shoff + uint64_t{head.e_shnum} * head.e_shentsize;
  for (uint64_t i = 0; i < head.e_phnum && head.e_phoff + (i + 1) * sizeof(ElfW(Phdr)) <= file.size(); ++i) {
    ElfW(Phdr) segment{};
    file.read(head.e_phoff + i * sizeof segment, std::as_writable_bytes(std::span(&segment, 1)));
    if (segment.p_type == PT_LOAD) end = std::max<uint64_t>(end, segment.p_offset + segment.p_filesz);
  }
  if (end > file.size()) fail(ErrorCode::device, "{} is cut off: it has {} bytes where its headers speak of {}. Install CANN again", path.string(), file.size(), end);
}

// The libraries of one installation, opened when they are first asked for.
class Handles {
 public:
  explicit Handles(const std::filesystem::path& first) : folder_(first.parent_path()) {
    check_whole(first);
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
