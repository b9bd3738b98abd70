// acl*TensorDesc and aclop*: describing single operators. Running one is not implemented: the virtual NPU runs compiled models.
#include <map>
#include <variant>

#include "virtual_npu/exports/exported.h"

namespace ropeway::cann {

using virtual_npu::Device;
using virtual_npu::refuse;
using virtual_npu::Rule;

// Opaque to callers.
struct aclTensorDesc {
  aclTensorDesc(aclDataType data_type, aclFormat data_format, std::vector<int64_t> sizes) : type(data_type), format(data_format), dims(std::move(sizes)) {}
  aclDataType type;
  aclFormat format;
  std::vector<int64_t> dims;
  std::vector<std::byte> constant;
};
struct aclopAttr {
  std::map<std::string, std::variant<bool, int64_t, float, std::string, std::vector<int64_t>>> values;
};

namespace {

constexpr int64_t kUnknownRank = -2;  // as the first and only dimension
constexpr int64_t kMostDims = 128, kMostValues = 1 << 20;  // the first is CANN's; the second is ours: more is a mistake
constexpr size_t kUnknownRankCount = 0xFFFFFFFFFFFFFFFE;

// `value` gives the attribute's value, and may refuse.
template <class Value>
aclError set(const char* function, aclopAttr* attr, const char* name, Value value) {
  return guarded(function, [&](Device&) {
    const auto found = known<aclopAttr>(attr, "attr");
    require(name, "attrName");
    found->values[name] = value();
  });
}

template <class T>
std::vector<T> copied(const T* values, int64_t count, int64_t most, const char* what) {
  if (count < 0 || count > most) refuse(Rule::invalid_value, "{} {}; 0 to {} can be", count, what, most);
  if (count == 0) return {};
  require(values, what);
  return {values, values + count};
}

// 0 when a size is open or too large for any memory.
size_t bytes_of(const aclTensorDesc& desc) {
  size_t bytes = bytes_of(desc.type);
  for (const int64_t size : desc.dims) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes)) return 0;
  }
  return bytes;
}

}  // namespace

extern "C" aclTensorDesc* aclCreateTensorDesc(aclDataType dataType, int numDims, const int64_t* dims, aclFormat format) {
  return guarded_value<aclTensorDesc*>(__func__, nullptr, [&](Device&) { return handles_of<aclTensorDesc>().add(std::make_shared<aclTensorDesc>(dataType, format, copied(dims, numDims, kMostDims, "dims"))); });
}
extern "C" void aclDestroyTensorDesc(const aclTensorDesc* desc) {
  guarded(__func__, [&](Device&) { destroy<aclTensorDesc>(desc, "desc"); });
}
extern "C" size_t aclGetTensorDescSize(const aclTensorDesc* desc) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return bytes_of(*known<aclTensorDesc>(desc, "desc")); });
}
extern "C" size_t aclGetTensorDescNumDims(const aclTensorDesc* desc) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) {
    const std::vector<int64_t>& dims = known<aclTensorDesc>(desc, "desc")->dims;
    return dims.size() == 1 && dims[0] == kUnknownRank ? kUnknownRankCount : dims.size();
  });
}
extern "C" aclError aclGetTensorDescDimV2(const aclTensorDesc* desc, size_t index, int64_t* dimSize) {
  return guarded(__func__, [&](Device&) {
    const auto found = known<aclTensorDesc>(desc, "desc");
    require(dimSize, "dimSize");
    if (index >= found->dims.size()) refuse(Rule::invalid_value, "dimension {} of a tensor that has {}", index, found->dims.size());
    *dimSize = found->dims[index];
  });
}
extern "C" aclError aclSetTensorConst(aclTensorDesc* desc, void* dataBuffer, size_t length) {
  return guarded(__func__, [&](Device&) {
    const auto found = known<aclTensorDesc>(desc, "desc");
    require(dataBuffer, "dataBuffer");
    if (length > bytes_of(*found)) refuse(Rule::invalid_value, "{} bytes for a tensor that has {}", length, bytes_of(*found));
    found->constant.assign(static_cast<const std::byte*>(dataBuffer), static_cast<const std::byte*>(dataBuffer) + length);
  });
}
extern "C" aclTensorDesc* aclmdlGetDatasetTensorDesc(const aclmdlDataset*, size_t) {
  return guarded_value<aclTensorDesc*>(__func__, nullptr, [](Device&) -> aclTensorDesc* { refuse(Rule::no_tensor_description); });
}

extern "C" aclopAttr* aclopCreateAttr() {
  return guarded_value<aclopAttr*>(__func__, nullptr, [](Device&) { return handles_of<aclopAttr>().add(std::make_shared<aclopAttr>()); });
}
extern "C" void aclopDestroyAttr(const aclopAttr* attr) {
  guarded(__func__, [&](Device&) { destroy<aclopAttr>(attr, "attr"); });
}
extern "C" aclError aclopSetAttrBool(aclopAttr* attr, const char* attrName, uint8_t attrValue) {
  return set(__func__, attr, attrName, [&] { return attrValue != 0; });
}
extern "C" aclError aclopSetAttrInt(aclopAttr* attr, const char* attrName, int64_t attrValue) {
  return set(__func__, attr, attrName, [&] { return attrValue; });
}
extern "C" aclError aclopSetAttrFloat(aclopAttr* attr, const char* attrName, float attrValue) {
  return set(__func__, attr, attrName, [&] { return attrValue; });
}
extern "C" aclError aclopSetAttrString(aclopAttr* attr, const char* attrName, const char* attrValue) {
  return set(__func__, attr, attrName, [&] {
    require(attrValue, "attrValue");
    return std::string(attrValue);
  });
}
extern "C" aclError aclopSetAttrListInt(aclopAttr* attr, const char* attrName, int numValues, const int64_t* values) {
  return set(__func__, attr, attrName, [&] { return copied(values, numValues, kMostValues, "values"); });
}
extern "C" aclError aclopCompileAndExecute(const char* opType, int, const aclTensorDesc* const[], const aclDataBuffer* const[], int, const aclTensorDesc* const[], aclDataBuffer* const[], const aclopAttr*,
                                           aclopEngineType, aclopCompileType, const char*, aclrtStream) {
  return guarded(__func__, [&](Device&) {
    require(opType, "opType");
    refuse(Rule::not_implemented, "a single operator, {}: have the whole graph compiled instead", opType);
  });
}

}  // namespace ropeway::cann
