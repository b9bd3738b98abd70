// data/sample_inputs/model.pt in a .pt2: an archive in the archive, as torch.save writes it, of (args, kwargs).
#include "formats/samples.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "base/text.h"
#include "formats/pt2/pickle.h"
#include "formats/zip.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

using pt2::Pickled, pt2::PickledPtr;
using Kind = Pickled::Kind;

constexpr size_t kMostVisits = 100'000;  // a pickle may say the same thing again and again

// Bytes in memory as a file, for readers of files.
class MemoryFile {
 public:
  explicit MemoryFile(const ZipContent& content) : descriptor_(memfd_create("samples", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail(ErrorCode::io, "no file in memory can be made: {}", std::strerror(errno));
    for (size_t done = 0; done < content.size;) {
      const ssize_t written = ::write(descriptor_, content.bytes.get() + done, content.size - done);
      if (written <= 0) {
        close(descriptor_);
        fail(ErrorCode::io, "a file in memory cannot be written: {}", std::strerror(errno));
      }
      done += static_cast<size_t>(written);
    }
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
};

const ZipEntry* entry_ending(const ZipArchive& zip, std::string_view ending) {
  for (const ZipEntry& entry : zip.entries()) {
    if (entry.name.ends_with(ending)) return &entry;
  }
  return nullptr;
}

std::optional<DType> storage_dtype(const std::string& name) {
  if (name == "torch FloatStorage") return DType::f32;
  if (name == "torch DoubleStorage") return DType::f64;
  if (name == "torch HalfStorage") return DType::f16;
  if (name == "torch BFloat16Storage") return DType::bf16;
  if (name == "torch LongStorage") return DType::i64;
  if (name == "torch IntStorage") return DType::i32;
  if (name == "torch ShortStorage") return DType::i16;
  if (name == "torch CharStorage") return DType::i8;
  if (name == "torch ByteStorage") return DType::u8;
  if (name == "torch BoolStorage") return DType::boolean;
  return std::nullopt;
}

class Samples {
 public:
  Samples(const ZipArchive& zip, const std::vector<TensorType>& types) : zip_(zip), types_(types) {}

  // Every tensor of the value, in order. false: there is something that cannot be read, or a tensor that is not of the next type.
  bool collect(const Pickled& value) {
    if (++visits_ > kMostVisits) return false;
    if (value.kind == Kind::call && value.text == "torch._utils _rebuild_tensor_v2") {
      const auto tensor = rebuilt(value.items[0]->items);
      if (tensor) tensors.push_back(*tensor);
      return tensor.has_value();
    }
    if (value.kind == Kind::call || value.kind == Kind::storage) return false;
    for (size_t i = value.kind == Kind::dict ? 1 : 0; i < value.items.size(); i += value.kind == Kind::dict ? 2 : 1) {
      if (!collect(*value.items[i])) return false;
    }
    return true;
  }

  std::vector<Tensor> tensors;

 private:
  static std::optional<Shape> numbers(const Pickled& tuple) {
    Shape result;
    for (const PickledPtr& each : tuple.items) {
      if (each->kind != Kind::integer || each->integer < 0) return std::nullopt;
      result.push_back(each->integer);
    }
    return result;
  }

  // (storage, offset, sizes, strides, …) of a tensor whose elements lie in order.
  std::optional<Tensor> rebuilt(const std::vector<PickledPtr>& arguments) const {
    if (arguments.size() < 4 || arguments[0]->kind != Kind::storage || arguments[1]->kind != Kind::integer) return std::nullopt;
    const std::vector<PickledPtr>& storage = arguments[0]->items[0]->items;  // "storage", its type, key, place, elements
    const auto shape = numbers(*arguments[2]), strides = numbers(*arguments[3]);
    if (storage.size() < 3 || !shape || !strides || shape->size() != strides->size()) return std::nullopt;
    const auto dtype = storage_dtype(storage[1]->text);
    const ZipEntry* const entry = entry_ending(zip_, "/data/" + storage[2]->text);
    if (!dtype || entry == nullptr) return std::nullopt;
    // Before anything is read: a small file may name a large storage again and again.
    const TensorType type{*dtype, *shape};
    if (tensors.size() == types_.size() || type != types_[tensors.size()]) return std::nullopt;
    const Shape dense = strides_of(*shape);
    for (size_t d = 0; d < dense.size(); ++d) {
      if ((*shape)[d] != 1 && (*strides)[d] != dense[d]) return std::nullopt;
    }
    const ZipContent content = zip_.read(*entry);
    const uint64_t item = size_of(*dtype), count = static_cast<uint64_t>(element_count(*shape)), offset = static_cast<uint64_t>(arguments[1]->integer);
    if (offset > content.size / item || count > content.size / item - offset) return std::nullopt;
    Tensor tensor(type);
    std::copy_n(content.bytes.get() + offset * item, count * item, tensor.raw());
    if (*dtype == DType::boolean) std::transform(tensor.raw(), tensor.raw() + tensor.bytes(), tensor.raw(), [](std::byte each) { return std::byte{each != std::byte{0}}; });
    return tensor;
  }

  const ZipArchive& zip_;
  const std::vector<TensorType>& types_;
  size_t visits_ = 0;
};

std::optional<std::vector<Tensor>> read_samples(const File& file, const std::vector<TensorType>& types) {
  if (!ZipArchive::recognises(file)) return std::nullopt;
  const ZipArchive outer(file);
  const ZipEntry* const entry = entry_ending(outer, "data/sample_inputs/model.pt");
  if (entry == nullptr) return std::nullopt;
  const MemoryFile inner(outer.read(*entry));
  const File inner_file(inner.path());
  const ZipArchive zip(inner_file);
  const ZipEntry* const pickle = entry_ending(zip, "/data.pkl");
  if (pickle == nullptr) return std::nullopt;
  Samples samples(zip, types);
  if (!samples.collect(*pt2::read_pickle(zip.read(*pickle).text()))) return std::nullopt;
  if (samples.tensors.size() != types.size()) return std::nullopt;
  return samples.tensors;
}

}  // namespace

std::optional<std::vector<Tensor>> stored_samples(const std::string& source, const std::vector<TensorType>& types) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(source, ignored)) return std::nullopt;
  try {
    return read_samples(File(source), types);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    return std::nullopt;  // the model itself was read: its samples are not needed
  }
}

}  // namespace ropeway
