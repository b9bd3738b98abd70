#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/buffer.h"
#include "base/text.h"

namespace ropeway {
namespace {

// Closes a descriptor, and removes the temporary file unless it was kept.
struct Output {
  int descriptor = -1;
  std::string temporary;
  ~Output() {
    if (descriptor >= 0) close(descriptor);
    if (!temporary.empty()) unlink(temporary.c_str());
  }
};

void write_all(int descriptor, std::span<const std::byte> content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(ErrorCode::io, "cannot write {}: {}", path.string(), std::strerror(errno));
    content = content.subspan(static_cast<size_t>(written));
  }
}

}  // namespace

struct File::Opened {
  std::filesystem::path path;
  int descriptor = -1;
  uint64_t size = 0;
  timespec changed{};  // the last time, when it was opened
  ~Opened() {
    if (descriptor >= 0) close(descriptor);
  }
};

File::File(const std::filesystem::path& path) {
  const auto opened = std::make_shared<Opened>();
  opened->path = path;
  opened->descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened->descriptor < 0) {
    fail(errno == ENOENT || errno == ENOTDIR ? ErrorCode::not_found : ErrorCode::io, "cannot open {}: {}", path.string(), std::strerror(errno));
  }
  struct stat status {};
  const bool known = fstat(opened->descriptor, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    fail(ErrorCode::io, "{} is {}, not a regular file", path.string(), known && S_ISDIR(status.st_mode) ? "a folder" : "a device or a pipe");
  }
  opened->size = static_cast<uint64_t>(status.st_size);
  opened->changed = status.st_mtim;
  opened_ = opened;
}

const std::filesystem::path& File::path() const { return opened_->path; }
uint64_t File::size() const { return opened_->size; }

void File::check_unchanged() const {
  struct stat now {};
  if (fstat(opened_->descriptor, &now) != 0) fail(ErrorCode::io, "cannot read {}: {}", path().string(), std::strerror(errno));
  const bool same = static_cast<uint64_t>(now.st_size) == size() && now.st_mtim.tv_sec == opened_->changed.tv_sec && now.st_mtim.tv_nsec == opened_->changed.tv_nsec;
  if (!same) fail(ErrorCode::io, "{} changed while it was read. Leave it alone until the model is loaded, or replace it by renaming a new file to its name", path().string());
}

void File::read(uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t count = pread(opened_->descriptor, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(ErrorCode::io, "cannot read {}: {}", path().string(), std::strerror(errno));
    if (count == 0) {
      check_unchanged();
      fail(ErrorCode::invalid_model, "{} ends at byte {}, {} bytes too early: it is truncated", path().string(), offset, into.size());
    }
    into = into.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

void File::check_range(uint64_t offset, size_t bytes) const {
  if (offset > size() || bytes > size() - offset) {
    fail(ErrorCode::invalid_model, "{} has {} bytes, but {} bytes at {} are wanted: it is truncated or damaged", path().string(), size(), bytes, offset);
  }
}

std::shared_ptr<std::byte> File::read(uint64_t offset, size_t bytes) const {
  check_range(offset, bytes);
  auto block = allocate_buffer(bytes);
  read(offset, {block.get(), bytes});
  return block;
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> content) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_symlink(path, ignored)) {
    const auto target = std::filesystem::canonical(path, ignored);
    if (!ignored) return write_file(target, content);  // the link stays
  }
  Output output;
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    output.descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (output.descriptor < 0) fail(ErrorCode::io, "cannot write {}: {}", path.string(), std::strerror(errno));
    write_all(output.descriptor, content, path);
    return;
  }
  std::string temporary = path.string() + ".XXXXXX";
  output.descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (output.descriptor < 0) fail(ErrorCode::io, "cannot write {}: {}", path.string(), std::strerror(errno));
  output.temporary = temporary;
  write_all(output.descriptor, content, path);
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(output.descriptor, 0666 & ~mask);
  const int closed = close(output.descriptor);
  output.descriptor = -1;
  if (closed != 0 || rename(temporary.c_str(), path.c_str()) != 0) fail(ErrorCode::io, "cannot write {}: {}", path.string(), std::strerror(errno));
  output.temporary.clear();
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  write_file(path, std::as_bytes(std::span(content)));
}

}  // namespace ropeway
