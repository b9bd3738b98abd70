#include "formats/onnx/tensors.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/buffer.h"
#include "base/text.h"
#include "formats/file_source.h"

namespace ropeway::onnx {
namespace {

// TensorProto.DataType by number; no dtype: Ropeway lacks it.
struct DataTypeRow {
  const char* name;
  std::optional<DType> dtype;
};
const DataTypeRow kDataTypes[] = {
    {"UNDEFINED", {}},      {"FLOAT", DType::f32},     {"UINT8", DType::u8},       {"INT8", DType::i8},     {"UINT16", DType::u16},    {"INT16", DType::i16},
    {"INT32", DType::i32},  {"INT64", DType::i64},     {"STRING", {}},             {"BOOL", DType::boolean}, {"FLOAT16", DType::f16},   {"DOUBLE", DType::f64},
    {"UINT32", DType::u32}, {"UINT64", DType::u64},    {"COMPLEX64", {}},          {"COMPLEX128", {}},      {"BFLOAT16", DType::bf16}, {"FLOAT8E4M3FN", {}},
    {"FLOAT8E4M3FNUZ", {}}, {"FLOAT8E5M2", {}},        {"FLOAT8E5M2FNUZ", {}},     {"UINT4", {}},           {"INT4", {}},              {"FLOAT4E2M1", {}},
};

constexpr size_t kMostDimensions = 32;

TensorType type_of(const TensorProto& proto) {
  const TensorType type{dtype_of(proto.data_type), proto.dims};
  if (type.shape.size() > kMostDimensions) fail(ErrorCode::invalid_model, "{} dimensions are more than the {} that Ropeway takes", type.shape.size(), kMostDimensions);
  for (const int64_t dim : type.shape) {
    if (dim < 0) fail(ErrorCode::invalid_model, "its shape [{}] has a negative dimension", fmt::join(type.shape, ","));
  }
  try {
    element_count(type.shape);
  } catch (const Error& error) {
    fail(ErrorCode::invalid_model, "{}", error.message());
  }
  return type;
}

// What is there must be as much as the shape says, before memory for it is asked for.
void expect_count(const TensorType& type, size_t given, const char* unit, size_t wanted) {
  if (given != wanted) fail(ErrorCode::invalid_model, "{} {} are given where {} needs {}", given, unit, to_string(type), wanted);
}

size_t bytes_of(const TensorType& type) { return static_cast<size_t>(element_count(type.shape)) * size_of(type.dtype); }

// Any byte but 0 is true; a C++ bool must be 0 or 1.
Tensor with_valid_booleans(Tensor tensor) {
  if (tensor.dtype() == DType::boolean) {
    std::transform(tensor.raw(), tensor.raw() + tensor.bytes(), tensor.raw(), [](std::byte value) { return value == std::byte{0} ? value : std::byte{1}; });
  }
  return tensor;
}

Tensor from_raw(const TensorType& type, std::string_view raw) {
  expect_count(type, raw.size(), "bytes", bytes_of(type));
  auto storage = allocate_buffer(raw.size());
  std::memcpy(storage.get(), raw.data(), raw.size());
  return with_valid_booleans(Tensor(type, std::move(storage)));
}

// `Stored`: the C++ type whose bytes the tensor holds; f16 and bf16 come as bit patterns.
template <class Stored, class Given>
Tensor from_typed(const TensorType& type, const std::vector<Given>& given) {
  expect_count(type, given.size(), "elements", static_cast<size_t>(element_count(type.shape)));
  Tensor result(type);
  for (size_t i = 0; i < given.size(); ++i) {
    const auto stored = static_cast<Stored>(given[i]);
    if constexpr (std::is_integral_v<Given>) {
      if (static_cast<Given>(stored) != given[i]) fail(ErrorCode::invalid_model, "element {} is {}, which {} cannot hold", i, given[i], name(type.dtype));
    }
    std::memcpy(result.raw() + i * sizeof(Stored), &stored, sizeof(Stored));
  }
  return result;
}

Tensor from_typed(const TensorType& type, const TensorProto& proto) {
  switch (type.dtype) {
    case DType::f32: return from_typed<float>(type, proto.float_data);
    case DType::f64: return from_typed<double>(type, proto.double_data);
    case DType::i64: return from_typed<int64_t>(type, proto.int64_data);
    case DType::u32: return from_typed<uint32_t>(type, proto.uint64_data);
    case DType::u64: return from_typed<uint64_t>(type, proto.uint64_data);
    case DType::i32: return from_typed<int32_t>(type, proto.int32_data);
    case DType::i16: return from_typed<int16_t>(type, proto.int32_data);
    case DType::i8: return from_typed<int8_t>(type, proto.int32_data);
    case DType::u8: return from_typed<uint8_t>(type, proto.int32_data);
    case DType::boolean: return with_valid_booleans(from_typed<uint8_t>(type, proto.int32_data));
    case DType::u16:
    case DType::f16:
    case DType::bf16: return from_typed<uint16_t>(type, proto.int32_data);
  }
  fail(ErrorCode::internal, "no such dtype");
}

uint64_t decimal(std::string_view key, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) fail(ErrorCode::invalid_model, "the {} of its external data is '{}', not a number ≥ 0", key, text);
  return value;
}

Tensor from_external(const TensorType& type, const TensorProto& proto, ExternalFiles& files) {
  std::string_view location;
  uint64_t offset = 0;
  const size_t bytes = bytes_of(type);
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : proto.external_data) {
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) fail(ErrorCode::invalid_model, "its external data gives '{}' twice", key);
    seen.push_back(key);
    if (key == "location") {
      location = value;
    } else if (key == "offset") {
      offset = decimal(key, value);
    } else if (key == "length") {
      expect_count(type, decimal(key, value), "bytes", bytes);
    } else if (key != "checksum" && key != "basepath") {
      fail(ErrorCode::invalid_model, "its external data has the unknown key '{}'", key);
    }
  }
  const File& file = files.open(location);
  if (bytes < kLeastDeferred || type.dtype == DType::boolean) return with_valid_booleans(Tensor(type, file.read(offset, bytes)));
  file.check_range(offset, bytes);
  return defer(type, source_in({file, offset, bytes, 0, fmt::format("the tensor {}", proto.name)}));
}

bool contains(const std::filesystem::path& folder, const std::filesystem::path& file) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

// The real path of an external file that the model at `model` may read.
std::filesystem::path resolve(const std::filesystem::path& model, std::string_view location) {
  namespace fs = std::filesystem;
  const fs::path relative(location);
  if (location.empty() || location.find('\0') != std::string_view::npos || location.find('\\') != std::string_view::npos || relative.is_absolute()) {
    fail(ErrorCode::invalid_model, "its external data lies in '{}', which is no path relative to the model", location.substr(0, location.find('\0')));
  }
  const fs::path beside = model.has_parent_path() ? model.parent_path() : fs::path(".");
  std::error_code error;
  const fs::path folder = fs::canonical(beside, error), real_folder = error ? fs::path() : fs::canonical(model, error).parent_path();
  if (error) fail(ErrorCode::io, "cannot resolve {}: {}", model.string(), error.message());
  if (!contains(folder, (folder / relative).lexically_normal())) {
    fail(ErrorCode::invalid_model, "its external data lies in '{}', outside the model's folder: refused, because a model must not read other files", location);
  }
  const fs::path real = fs::canonical(folder / relative, error);
  if (error == std::errc::no_such_file_or_directory) {
    fail(ErrorCode::not_found, "the file of its external data, '{}', is not in {}: keep both files in one folder", location, beside.string());
  }
  if (error) fail(ErrorCode::io, "cannot resolve '{}' in {}: {}", location, beside.string(), error.message());
  if (!contains(folder, real) && !contains(real_folder, real)) {
    fail(ErrorCode::invalid_model, "its external data, '{}', is a link out of the model's folder: refused, because a model must not read other files", location);
  }
  return real;
}

}  // namespace

DType dtype_of(int64_t data_type) {
  if (data_type <= 0) fail(ErrorCode::invalid_model, "it has no element type");
  const bool known = data_type < std::ssize(kDataTypes);
  if (!known || !kDataTypes[data_type].dtype) fail(ErrorCode::unsupported, "its element type is {}, which Ropeway lacks", known ? kDataTypes[data_type].name : fmt::format("number {}", data_type));
  return *kDataTypes[data_type].dtype;
}

int64_t data_type_of(DType dtype) {
  return std::find_if(std::begin(kDataTypes), std::end(kDataTypes), [&](const DataTypeRow& row) { return row.dtype == dtype; }) - std::begin(kDataTypes);
}

const File& ExternalFiles::open(std::string_view location) {
  if (const auto known = open_.find(location); known != open_.end()) return *known->second;
  namespace fs = std::filesystem;
  const fs::path real = resolve(model_, location);
  std::error_code error;
  if (!fs::is_regular_file(real, error)) fail(ErrorCode::invalid_model, "its external data, '{}', is not a regular file", location);
  if (fs::hard_link_count(real, error) > 1) {
    fail(ErrorCode::invalid_model, "its external data, '{}', has further hard links, so it may be any file of this disk: refused. A plain copy of it (cp) is accepted", location);
  }
  return *open_.emplace(std::string(location), std::make_unique<File>(real)).first->second;
}

Tensor read_tensor(const TensorProto& proto, ExternalFiles& files) {
  if (proto.has_strings) fail(ErrorCode::unsupported, "it holds strings, which Ropeway lacks");
  if (proto.has_segment) fail(ErrorCode::unsupported, "it is a segment of a larger tensor");
  const TensorType type = type_of(proto);
  const int typed = !proto.float_data.empty() + !proto.double_data.empty() + !proto.int32_data.empty() + !proto.int64_data.empty() + !proto.uint64_data.empty();
  const int raw = proto.raw_data && !proto.raw_data->empty();
  if (typed + raw + proto.external > 1) fail(ErrorCode::invalid_model, "its data is given more than once (raw, typed, external)");
  if (proto.external) return from_external(type, proto, files);
  if (typed > 0 || !proto.raw_data) return from_typed(type, proto);
  return from_raw(type, *proto.raw_data);
}

}  // namespace ropeway::onnx
