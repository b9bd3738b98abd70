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

File::File(const std::filesystem::path& path) : path_(path) {
  descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    fail(errno == ENOENT || errno == ENOTDIR ? ErrorCode::not_found : ErrorCode::io, "cannot open {}: {}", path.string(), std::strerror(errno));
  }
  struct stat status {};
  const bool known = fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    close(descriptor_);
    fail(ErrorCode::io, "{} is {}, not a regular file", path.string(), known && S_ISDIR(status.st_mode) ? "a folder" : "a device or a pipe");
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

File::~File() { close(descriptor_); }

void File::read(uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t count = pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(ErrorCode::io, "cannot read {}: {}", path_.string(), std::strerror(errno));
    if (count == 0) fail(ErrorCode::invalid_model, "{} ends at byte {}, {} bytes too early: it is truncated, or it changed while it was read", path_.string(), offset, into.size());
    into = into.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

std::shared_ptr<std::byte> File::read(uint64_t offset, size_t bytes) const {
  if (offset > size_ || bytes > size_ - offset) {
    fail(ErrorCode::invalid_model, "{} has {} bytes, but {} bytes at {} are wanted: it is truncated or damaged", path_.string(), size_, bytes, offset);
  }
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
