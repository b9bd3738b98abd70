#include "cann/library.h"

#include <dlfcn.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "cann/elf.h"
#include "cann/installation.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;

std::string why_not_opened() {
  const char* text = dlerror();
  return text == nullptr ? "no reason is given" : text;
}

// The name of the library that the loader did not find; "" when it complains of something else.
std::string not_found(const std::string& why) {
  const std::string name = why.substr(0, why.find(':'));
  return name.find('/') == std::string::npos && name.find(".so") != std::string::npos ? name : "";
}

// The libraries of one installation. What they need is found although LD_LIBRARY_PATH does not say where: the loader takes a library that is open already for one of the
// same name. All stay local, as they would by LD_LIBRARY_PATH: what needs them names them, and other libraries of the process keep their own symbols.
class OpenLibraries {
 public:
  OpenLibraries(const fs::path& first, const Machine& machine) : folder_(first.parent_path()), folders_(library_folders(first, machine)) {
    folders_.push_back(machine.at("/usr/lib64"));  // of boards, whose loader need not look there
    const std::vector<std::string> paths = machine.variable_list("LD_LIBRARY_PATH");
    if (std::any_of(paths.begin(), paths.end(), [](const std::string& path) { return is_stub_folder(path); })) open_needed(first);
    handles_[first.filename()] = open(first);
    if (handles_[first.filename()] != nullptr) return;
    std::vector<std::string> missing;
    for (const fs::path& folder : machine.system_folders()) folders_.push_back(folder);
    for (const MissingLibrary& each : missing_libraries(first, folders_)) missing.push_back(fmt::format("{} (needed by {})", each.name, each.needed_by));
    fail(ErrorCode::device, "cannot load CANN's {}: {}. {}`ropeway doctor` says what is wrong with this machine's CANN", first.string(), why_not_,
         missing.empty() ? "" : fmt::format("Missing, also in CANN's and its driver's own folders: {}. ", listed(missing)));
  }

  void* find(const char* name, const char* library) {
    std::vector<std::string> places = {library};
    places.insert(places.end(), std::begin(kAclLibraries), std::end(kAclLibraries));
    for (const auto& [file, handle] : handles_) {
      if (void* const address = handle == nullptr ? nullptr : dlsym(handle, name)) return address;
    }
    for (const std::string& place : places) {
      if (!handles_.emplace(place, nullptr).second || !std::filesystem::exists(folder_ / place)) continue;
      void* const handle = handles_[place] = open(folder_ / place);
      if (handle == nullptr) problems_.push_back(why_not_);
      else if (void* const address = dlsym(handle, name)) return address;
    }
    return nullptr;
  }

  const std::vector<std::string>& problems() const { return problems_; }  // libraries beside the first that could not be opened

 private:
  // Null when it cannot be opened; then why_not_ says why.
  void* open(const fs::path& path) {
    check_whole(path);
    while (true) {
      if (void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
      why_not_ = why_not_opened();
      const std::string name = not_found(why_not_);
      const auto place = name.empty() || !tried_.insert(name).second ? std::nullopt : locate(name);
      if (!place || open(*place) == nullptr) return nullptr;
    }
  }

  // Link-time stubs on LD_LIBRARY_PATH would be taken for what `path` needs: the right ones are opened before.
  void open_needed(const fs::path& path) {
    try {
      for (const std::string& name : read_elf(path).needed) {
        const auto place = opened_before_.insert(name).second ? locate(name) : std::nullopt;
        if (!place) continue;
        open_needed(*place);
        open(*place);
      }
    } catch (const Error&) {  // the loader says what is wrong
    }
  }

  std::optional<fs::path> locate(const std::string& name) const {
    std::error_code ignored;
    for (const fs::path& folder : folders_) {
      if (fs::is_regular_file(folder / name, ignored)) return folder / name;
    }
    return std::nullopt;
  }

  fs::path folder_;
  std::vector<fs::path> folders_;
  std::set<std::string> tried_, opened_before_;
  std::string why_not_;
  std::vector<std::string> problems_;
  std::map<std::string, void*> handles_;  // null for one that is not there
};

}  // namespace

std::shared_ptr<const Library> Library::load(const fs::path& path, const Machine& machine) {
  static std::mutex mutex;
  static std::map<fs::path, std::shared_ptr<const Library>> loaded;
  const std::lock_guard lock(mutex);
  if (const auto at = loaded.find(path); at != loaded.end()) return at->second;

  constexpr bool needed = true, offered = false;
  OpenLibraries handles(path, machine);
  std::shared_ptr<Library> library(new Library(path));
  std::vector<std::string> missing;
#define ROPEWAY_CANN(file, need, result, name, parameters)                                       \
  library->functions_.name = reinterpret_cast<decltype(Functions::name)>(handles.find(#name, file)); \
  if ((need) && library->functions_.name == nullptr) missing.emplace_back(#name);
#include "cann/abi.def"
#undef ROPEWAY_CANN
  (void)offered;
  if (!missing.empty()) {
    fail(ErrorCode::device, "{} lacks {} of the functions that running a model needs: {}. It may be of a CANN too old (8.1.RC1 has them all), or a link-time stub{}{}", path.string(), missing.size(),
         listed(missing), handles.problems().empty() ? "" : "; beside it cannot be loaded: ", fmt::join(handles.problems(), "; "));
  }
  loaded[path] = library;
  return library;
}

}  // namespace ropeway::cann
