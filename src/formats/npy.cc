#include "formats/npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/file.h"
#include "base/text.h"
#include "ops/convert.h"

namespace ropeway {
namespace {

struct Descriptor {
  std::string_view text;
  DType dtype;
};
constexpr std::array<Descriptor, 14> kDescriptors{{{"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16}, {"|i1", DType::i8}, {"<i2", DType::i16}, {"<i4", DType::i32}, {"<i8", DType::i64},
                                                   {"|u1", DType::u8}, {"<u2", DType::u16}, {"<u4", DType::u32}, {"<u8", DType::u64}, {"|b1", DType::boolean}, {"<i1", DType::i8}, {"<u1", DType::u8}}};

constexpr std::string_view kMagic = "\x93NUMPY";

[[noreturn]] void damaged(const std::string& name, std::string_view why) {
  fail(ErrorCode::invalid_argument, "{} is not a .npy file that can be read: {}. Write it with numpy.save", name, why);
}

// The text after `'key':` in the header's dictionary, without leading spaces.
std::string_view entry(std::string_view header, std::string_view key, const std::string& name) {
  const size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) damaged(name, fmt::format("its header has no '{}'", key));
  header.remove_prefix(at + key.size() + 3);
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  return header;
}

DType parse_dtype(std::string_view text, const std::string& name) {
  if (text.size() < 2 || text.front() != '\'') damaged(name, "structured arrays cannot be read");
  text = text.substr(1, text.find('\'', 1) - 1);
  for (const Descriptor& row : kDescriptors) {
    if (row.text == text) return row.dtype;
  }
  damaged(name, fmt::format("its dtype '{}' is none of the little-endian numeric ones", text));
}

Shape parse_shape(std::string_view text, const std::string& name) {
  const size_t end = text.find(')');
  if (text.empty() || text.front() != '(' || end == std::string_view::npos) damaged(name, "its shape is no tuple");
  Shape shape;
  for (const std::string& word : split(text.substr(1, end - 1), ',')) {
    const size_t begin = word.find_first_not_of(' ');
    if (begin == std::string::npos) continue;
    int64_t size = 0;
    const auto [rest, problem] = std::from_chars(word.data() + begin, word.data() + word.size(), size);
    if (problem != std::errc{} || rest != word.data() + word.size() || size < 0) damaged(name, fmt::format("its shape has the size '{}'", word));
    shape.push_back(size);
  }
  return shape;
}

int64_t count_of(const Shape& shape, const std::string& name) {
  try {
    return element_count(shape);
  } catch (const Error& error) {
    damaged(name, error.message());
  }
}

// Any byte but 0 means true to NumPy; to C++ only 0 and 1 are booleans.
void normalise(Tensor& booleans) {
  for (size_t i = 0; i < booleans.bytes(); ++i) booleans.raw()[i] = std::byte{booleans.raw()[i] != std::byte{0}};
}

Tensor from_fortran_order(const Tensor& stored, Shape shape) {
  Tensor result({stored.dtype(), shape});
  const size_t item = size_of(stored.dtype());
  Shape index(shape.size(), 0);
  for (int64_t to = 0; to < result.count(); ++to) {
    int64_t from = 0;
    for (size_t d = shape.size(); d-- > 0;) from = from * shape[d] + index[d];
    std::memcpy(result.raw() + static_cast<size_t>(to) * item, stored.raw() + static_cast<size_t>(from) * item, item);
    for (size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];) index[d] = 0;
  }
  return result;
}

}  // namespace

Tensor read_npy(const NpySource& source) {
  const std::string& name = source.name;
  constexpr size_t kStart = 12;
  if (source.size < kStart) damaged(name, "it is shorter than a header");
  const auto start_bytes = source.read(0, kStart);
  const std::byte* start = start_bytes.get();
  if (std::memcmp(start, kMagic.data(), kMagic.size()) != 0) damaged(name, "it does not begin with NumPy's magic bytes");
  const int version = std::to_integer<int>(start[6]);
  if (version < 1 || version > 3) damaged(name, fmt::format("version {} of the format is unknown", version));
  const size_t length_bytes = version == 1 ? 2 : 4;
  size_t length = 0;
  for (size_t i = length_bytes; i-- > 0;) length = length << 8 | std::to_integer<size_t>(start[8 + i]);
  const size_t data_at = 8 + length_bytes + length;
  if (data_at > source.size) damaged(name, "it ends inside its header");

  const auto header_bytes = source.read(8 + length_bytes, length);
  const std::string_view header(reinterpret_cast<const char*>(header_bytes.get()), length);
  const DType dtype = parse_dtype(entry(header, "descr", name), name);
  const Shape shape = parse_shape(entry(header, "shape", name), name);
  const std::string_view order = entry(header, "fortran_order", name);
  const bool fortran = order.starts_with("True");
  if (!fortran && !order.starts_with("False")) damaged(name, "its 'fortran_order' is neither True nor False");

  const int64_t count = count_of(shape, name);
  const uint64_t available = source.size - data_at;
  if (static_cast<uint64_t>(count) > available / size_of(dtype) || static_cast<uint64_t>(count) * size_of(dtype) != available) {
    damaged(name, fmt::format("{} needs {} elements, but the file holds {} bytes of data", to_string(TensorType{dtype, shape}), count, available));
  }
  Tensor stored({dtype, shape}, source.read(data_at, static_cast<size_t>(available)));
  if (dtype == DType::boolean) normalise(stored);
  return fortran && shape.size() > 1 ? from_fortran_order(stored, shape) : stored;
}

Tensor read_npy(const std::filesystem::path& path) {
  const File file(path);
  return read_npy({path.string(), file.size(), [&](uint64_t offset, size_t bytes) { return file.read(offset, bytes); }});
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  if (tensor.dtype() == DType::bf16) return write_npy(path, convert(tensor, DType::f32));
  std::string_view descriptor;
  for (const Descriptor& row : kDescriptors) {
    if (row.dtype == tensor.dtype() && descriptor.empty()) descriptor = row.text;
  }
  std::string shape = fmt::format("{}", fmt::join(tensor.shape(), ", "));
  if (tensor.shape().size() == 1) shape += ",";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descriptor, shape);
  // Data begins at a multiple of 64, and the header ends with a line break.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';

  std::string content(kMagic);
  content += {'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  content += header;
  content.append(reinterpret_cast<const char*>(tensor.raw()), tensor.bytes());
  write_file(path, content);
}

}  // namespace ropeway
