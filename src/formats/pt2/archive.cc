// Layout and meaning of the entries: docs.pytorch.org, "PT2 Archive Spec".
#include "formats/pt2/archive.h"

#include <algorithm>

#include "base/text.h"
#include "formats/file_source.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::pt2 {
namespace {

constexpr size_t kMostExpanded = size_t{1} << 28;     // bytes
constexpr size_t kMostDescription = size_t{1} << 28;  // bytes of JSON

bool starts_with(const std::string& text, std::string_view prefix) { return std::string_view(text).substr(0, prefix.size()) == prefix; }

// All entries lie in one folder, called after the file or "archive".
std::string common_root(const ZipArchive& zip, const std::string& file) {
  if (zip.entries().empty()) fail(ErrorCode::invalid_model, "the archive {} is empty", file);
  const std::string& first = zip.entries()[0].name;
  const std::string root = first.substr(0, first.find('/') + 1);
  const bool shared = !root.empty() && std::all_of(zip.entries().begin(), zip.entries().end(), [&](const ZipEntry& entry) { return starts_with(entry.name, root); });
  return shared ? root : "";
}

// Archives of torch's that hold something else.
void refuse_relatives(const ZipArchive& zip, const std::string& root) {
  const auto has = [&](const char* name) { return zip.find(root + name) != nullptr; };
  constexpr const char* kRemedy = "Save the model with torch.export.save(torch.export.export(model.eval(), inputs), \"model.pt2\")";
  if (has("archive_format")) return;
  if (has("constants.pkl")) fail(ErrorCode::unsupported, "this is TorchScript, written by torch.jit.save. {}", kRemedy);
  if (has("data.pkl")) fail(ErrorCode::unsupported, "this holds weights alone, written by torch.save: the network is not in it. {}", kRemedy);
  if (zip.find(root + "serialized_exported_program.json") != nullptr || zip.find("serialized_exported_program.json") != nullptr) {
    fail(ErrorCode::unsupported, "this was written by torch.export.save of PyTorch 2.7 or older. Load it with torch.export.load and save it again with a newer one");
  }
  fail(ErrorCode::invalid_model, "this is a zip archive, but not one that torch.export.save writes");
}

// Without inflating what no description can be.
Json json_of(const ZipArchive& zip, const ZipEntry& entry, const std::string& what) {
  if (entry.size > kMostDescription) fail(ErrorCode::invalid_model, "{} has {}, more than any model's description", what, readable_bytes(static_cast<double>(entry.size)));
  const ZipContent content = zip.read(entry);
  return parse_json(content.text(), what);
}

std::string text_of(const ZipContent& content) {
  std::string text(content.text());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Ints sizes_of(const Json& list, const char* what) {
  Ints result;
  for (const Json& each : list) {
    const Tagged size = tagged(each);
    if (size.tag != "as_int") fail(ErrorCode::invalid_model, "{} of a weight must be numbers, but one is {}", what, size.tag);
    result.push_back(size.value.get<int64_t>());
  }
  return result;
}

// Where a tensor lies in its payload, in elements.
struct Placement {
  TensorType type;
  Ints strides;
  int64_t offset = 0;
};

Placement placement_of(const Json& meta) {
  if (meta.at("layout").get<int64_t>() != 7) fail(ErrorCode::unsupported, "it is not dense: call .to_dense() before the export");
  const Tagged offset = tagged(meta.at("storage_offset"));
  if (offset.tag != "as_int") fail(ErrorCode::invalid_model, "its offset is no number");
  Placement result{{dtype_of(meta.at("dtype").get<int64_t>()), sizes_of(meta.at("sizes"), "sizes")}, sizes_of(meta.at("strides"), "strides"), offset.value.get<int64_t>()};
  if (result.strides.size() != result.type.shape.size()) fail(ErrorCode::invalid_model, "it has {} sizes and {} strides", result.type.shape.size(), result.strides.size());
  if (result.offset < 0 || std::any_of(result.strides.begin(), result.strides.end(), [](int64_t stride) { return stride < 0; })) fail(ErrorCode::invalid_model, "it has a negative offset or stride");
  return result;
}

// One past the last element; fails on overflow.
int64_t end_of(const Placement& placement) {
  int64_t last = placement.offset;
  for (size_t d = 0; d < placement.strides.size(); ++d) {
    int64_t span = 0;
    if (__builtin_mul_overflow(placement.type.shape[d] - 1, placement.strides[d], &span) || __builtin_add_overflow(last, span, &last)) fail(ErrorCode::invalid_model, "its sizes and strides overflow");
  }
  return last + 1;
}

bool is_contiguous(const Placement& placement) {
  const Shape dense = strides_of(placement.type.shape);
  for (size_t d = 0; d < dense.size(); ++d) {
    if (placement.type.shape[d] != 1 && placement.strides[d] != dense[d]) return false;
  }
  return true;
}

Tensor placed(const Placement& placement, const ZipContent& payload) {
  const size_t item = size_of(placement.type.dtype);
  if (element_count(placement.type.shape) == 0) return Tensor(placement.type);
  if (payload.size == 0) fail(ErrorCode::invalid_model, "the file has no data for it: was the model exported under FakeTensorMode?");
  if (payload.size % item != 0) fail(ErrorCode::invalid_model, "{} bytes are no whole number of elements of {}", payload.size, name(placement.type.dtype));
  const int64_t end = end_of(placement), available = static_cast<int64_t>(payload.size / item);
  if (end > available) fail(ErrorCode::invalid_model, "it reaches to element {}, but the file has {}", end, available);
  if (is_contiguous(placement)) {
    return Tensor(placement.type, std::shared_ptr<std::byte>(payload.bytes, payload.bytes.get() + static_cast<size_t>(placement.offset) * item));
  }
  // An expanded tensor repeats elements: a few bytes must not become all memory.
  const auto bytes = static_cast<size_t>(element_count(placement.type.shape)) * item;
  if (bytes > std::max(payload.size, kMostExpanded)) fail(ErrorCode::unsupported, "{} of data are expanded to {}: call .contiguous() on it before the export", readable_bytes(static_cast<double>(payload.size)), readable_bytes(static_cast<double>(bytes)));
  Tensor result(placement.type);
  const Shape& shape = placement.type.shape;
  for (IndexWalk at(shape, {strides_of(shape), placement.strides}); !at.done(); at.next()) {
    std::copy_n(payload.bytes.get() + static_cast<size_t>(at.offset(1) + placement.offset) * item, item, result.raw() + static_cast<size_t>(at.offset(0)) * item);
  }
  return result;
}

// Bytes other than 0 and 1 are true, but no C++ bool may hold them.
Tensor with_clean_booleans(Tensor tensor) {
  if (tensor.dtype() != DType::boolean) return tensor;
  Tensor result(tensor.type());
  std::transform(tensor.raw(), tensor.raw() + tensor.bytes(), result.raw(), [](std::byte each) { return std::byte{each != std::byte{0}}; });
  return result;
}

bool is_payload_name(const std::string& name) {
  const size_t underscore = name.find('_');
  const std::string kind = name.substr(0, underscore);
  return underscore != std::string::npos && (kind == "weight" || kind == "tensor") && underscore + 1 < name.size() &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(underscore) + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

DType dtype_of(int64_t number) {
  switch (number) {
    case 1: return DType::u8;
    case 2: return DType::i8;
    case 3: return DType::i16;
    case 4: return DType::i32;
    case 5: return DType::i64;
    case 6: return DType::f16;
    case 7: return DType::f32;
    case 8: return DType::f64;
    case 12: return DType::boolean;
    case 13: return DType::bf16;
    case 28: return DType::u16;
    case 34: return DType::u32;
    case 35: return DType::u64;
    case 9:
    case 10:
    case 11: fail(ErrorCode::unsupported, "complex numbers are not supported");
    case 29:
    case 30:
    case 31:
    case 32:
    case 33: fail(ErrorCode::unsupported, "8-bit floating point is not supported");
    default: fail(ErrorCode::invalid_model, "there is no dtype {}", number);
  }
}

Archive::Archive(const File& file) : file_(file), zip_(file_), root_(common_root(zip_, file.path().string())) {
  refuse_relatives(zip_, root_);
  const std::string format = text_of(zip_.read(required("archive_format")));
  if (format != "pt2") fail(ErrorCode::invalid_model, "the archive's format is '{}', not pt2", format);
  const std::string version = text_of(zip_.read(required("archive_version")));
  if (version != "0") fail(ErrorCode::unsupported, "the archive's version is {}; 0 can be read", version);
  if (const ZipEntry* order = zip_.find(root_ + "byteorder"); order != nullptr && text_of(zip_.read(*order)) != "little") {
    fail(ErrorCode::unsupported, "the archive was written on a big-endian machine: save it on a little-endian one");
  }
  read_config("data/weights/", "model_weights_config.json");
  read_config("data/constants/", "model_constants_config.json");
}

const ZipEntry& Archive::required(const std::string& name) const {
  const ZipEntry* entry = zip_.find(root_ + name);
  if (entry == nullptr) fail(ErrorCode::invalid_model, "the archive lacks its entry {}", name);
  return *entry;
}

Json Archive::model() const {
  std::vector<std::string> models;
  bool has_compiled = false;
  const std::string folder = root_ + "models/";
  for (const ZipEntry& entry : zip_.entries()) {
    if (starts_with(entry.name, folder) && entry.name.ends_with(".json")) models.push_back(entry.name.substr(root_.size()));
    has_compiled = has_compiled || starts_with(entry.name, root_ + "data/aotinductor/");
  }
  if (models.empty() && has_compiled) fail(ErrorCode::unsupported, "the archive holds code that AOTInductor compiled for one kind of machine, not a model. Use torch.export.save");
  if (models.empty()) fail(ErrorCode::invalid_model, "the archive has no models/*.json");
  if (models.size() > 1) fail(ErrorCode::unsupported, "the archive holds {} models, {}: save each to a file of its own with torch.export.save", models.size(), listed(models));
  return json_of(zip_, required(models[0]), models[0]);
}

void Archive::read_config(const std::string& folder, const char* file) {
  const std::string path = folder + file;
  if (zip_.find(root_ + path) == nullptr) {
    if (zip_.find(root_ + folder + "model.pt") != nullptr) {
      fail(ErrorCode::unsupported, "the weights are stored as a pickle, as older versions of PyTorch did. Load the file with torch.export.load and save it again with a newer PyTorch");
    }
    return;  // a model without any
  }
  configs_.push_back(json_of(zip_, required(path), path));
  reading(path, [&] {
    for (const auto& [name, entry] : configs_.back().at("config").items()) records_[name] = {&entry, folder};
  });
}

const ZipContent& Archive::payload(const std::string& path) {
  const auto found = payloads_.find(path);
  return found != payloads_.end() ? found->second : payloads_.emplace(path, zip_.read(required(path))).first->second;
}

std::optional<Tensor> Archive::deferred(const TensorType& type, const std::string& path, const std::string& name) {
  const ZipEntry& entry = required(path);
  const auto bytes = static_cast<size_t>(element_count(type.shape)) * size_of(type.dtype);
  if (entry.deflated || entry.size != bytes || bytes < kLeastDeferred || type.dtype == DType::boolean || payloads_.contains(path)) return std::nullopt;
  const auto known = deferred_.find(path);
  if (known == deferred_.end()) return deferred_.emplace(path, defer(type, source_in({file_, entry.offset, bytes, entry.crc, "the tensor " + name}))).first->second;
  if (known->second.dtype() != type.dtype) return std::nullopt;
  return known->second.reshaped(type.shape);
}

Tensor Archive::tensor(const std::string& name) try {
  const auto found = records_.find(name);
  if (found == records_.end()) fail(ErrorCode::invalid_model, "the archive has no data for it");
  return reading("its entry", [&] {
    const Json& entry = *found->second.entry;
    const Json* pickled = member(entry, "use_pickle");
    if (pickled != nullptr && pickled->get<bool>()) fail(ErrorCode::unsupported, "it is a tensor subclass, stored as a pickle that would run code when it is loaded. Replace it by a plain tensor before the export");
    const std::string& path = entry.at("path_name").get_ref<const std::string&>();
    if (!is_payload_name(path)) fail(ErrorCode::unsupported, "its data is '{}', which is no plain tensor", path);
    const Placement placement = placement_of(entry.at("tensor_meta"));
    const std::string place = found->second.folder + path;
    if (placement.offset == 0 && is_contiguous(placement)) {
      if (const auto later = deferred(placement.type, place, name)) return *later;
    }
    return with_clean_booleans(placed(placement, payload(place)));
  });
} catch (Error& error) {
  error.add_note(fmt::format("while reading the tensor {}", name));
  throw;
}

}  // namespace ropeway::pt2
