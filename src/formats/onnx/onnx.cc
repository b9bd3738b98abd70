#include "formats/onnx/onnx.h"

#include <protozero/varint.hpp>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "formats/onnx/importer.h"
#include "formats/onnx/operators.h"

namespace ropeway {
namespace {

constexpr uint64_t kLargest = uint64_t{1} << 31;  // of a protobuf file
constexpr int64_t kOldestIrVersion = 3;           // opsets are declared since then

// Walks over the top-level fields of a protobuf file without reading what is inside them.
class FieldWalk {
 public:
  explicit FieldWalk(const File& file) : file_(file) {}

  // False at the end, and where the bytes are no field.
  bool next() try {
    if (at_ >= file_.size()) return false;
    std::array<char, 20> head{};  // two varints
    const size_t count = static_cast<size_t>(std::min<uint64_t>(head.size(), file_.size() - at_));
    file_.read(at_, std::as_writable_bytes(std::span(head).first(count)));
    const char* position = head.data();
    const uint64_t key = protozero::decode_varint(&position, head.data() + count);
    tag = key >> 3;
    wire_type = key & 7;
    if (wire_type != 0 && wire_type != 2) return false;
    value = protozero::decode_varint(&position, head.data() + count);
    at_ += static_cast<uint64_t>(position - head.data());
    if (wire_type == 2) at_ = value > file_.size() - at_ ? file_.size() : at_ + value;
    return true;
  } catch (const protozero::exception&) {
    return false;
  }

  uint64_t tag = 0, wire_type = 0, value = 0;

 private:
  const File& file_;
  uint64_t at_ = 0;
};

int64_t opset_of(const onnx::ModelProto& model) {
  int64_t opset = 0;
  for (const auto& [domain, version] : model.opsets) {
    if (!domain.empty() && domain != "ai.onnx") continue;
    if (opset != 0) fail(ErrorCode::invalid_model, "two opsets are declared for the domain ai.onnx");
    opset = version;
  }
  if (opset <= 0) fail(ErrorCode::invalid_model, "no opset is declared for the domain ai.onnx");
  if (opset < onnx::kOldestOpset || opset > onnx::kNewestOpset) {
    fail(ErrorCode::unsupported, "opset {} cannot be read; {} to {} can. Export again (torch.onnx.export takes opset_version), or convert with onnx.version_converter", opset, onnx::kOldestOpset,
         onnx::kNewestOpset);
  }
  return opset;
}

}  // namespace

bool recognises_onnx(const File& file) {
  bool has_version = false, has_graph = false;
  FieldWalk field(file);
  for (int fields = 0; fields < 1000 && !(has_version && has_graph) && field.next(); ++fields) {
    const bool is_number = field.tag == 1 || field.tag == 5, is_known = field.tag <= 8 || field.tag == 14 || field.tag == 20 || (field.tag >= 25 && field.tag <= 30);
    if (!is_known || field.tag == 0 || is_number != (field.wire_type == 0)) return false;
    if (field.tag == 1) has_version = field.value >= 1 && field.value < 1000;
    if (field.tag == 7) has_graph = true;
  }
  return has_version && has_graph;
}

Graph read_onnx(const File& file, const ReadOptions& options) {
  if (file.size() >= kLargest) fail(ErrorCode::invalid_model, "{} has 2 GiB or more, which no protobuf file can have: store the weights as external data", file.path().string());
  const auto bytes = file.read(0, static_cast<size_t>(file.size()));
  return read_onnx({reinterpret_cast<const char*>(bytes.get()), static_cast<size_t>(file.size())}, file.path(), options);
}

Graph read_onnx(std::string_view bytes, const std::filesystem::path& file, const ReadOptions& options) {
  const onnx::ModelProto model = onnx::parse_model(bytes);
  if (!model.graph) fail(ErrorCode::invalid_model, "{} has no graph", file.string());
  if (model.ir_version < kOldestIrVersion) fail(ErrorCode::unsupported, "IR version {} is older than {}: convert the file with onnx.version_converter", model.ir_version, kOldestIrVersion);
  return onnx::Importer(model, opset_of(model), file, options).run();
}

}  // namespace ropeway
