#include "virtual_npu/container.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/text.h"
#include "cann/om.h"

namespace ropeway::virtual_npu {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kVersion = 2;
constexpr double kMostMs = 1e6;

// Behind the magic: sizes of what follows and a hash of it. Little-endian, as all machines here are.
struct Head {
  uint64_t json_bytes, onnx_bytes, hash;
};

std::string_view checked_body(std::string_view bytes, Head& head) {
  if (!bytes.starts_with(cann::kVirtualOmMagic)) fail(ErrorCode::invalid_model, "it is no compiled model of Ropeway's virtual atc{}", bytes.starts_with(cann::kOmMagic) ? ", but one of CANN's, which only a real NPU can run" : "");
  bytes.remove_prefix(cann::kVirtualOmMagic.size());
  if (bytes.size() < sizeof head) fail(ErrorCode::invalid_model, "it is cut off");
  std::memcpy(&head, bytes.data(), sizeof head);
  bytes.remove_prefix(sizeof head);
  if (head.json_bytes > bytes.size() || head.onnx_bytes != bytes.size() - head.json_bytes) fail(ErrorCode::invalid_model, "it is cut off, or something is behind its end");
  if (content_hash(std::as_bytes(std::span(bytes))) != head.hash) fail(ErrorCode::invalid_model, "it is damaged: its content is not what was written");
  return bytes;
}

}  // namespace

std::string to_bytes(const Container& container) {
  Json operators = Json::array();
  for (const OperatorTime& each : container.operators) operators.push_back({{"name", each.name}, {"type", each.type}, {"ms", each.ms}});
  const Json json = {{"version", kVersion}, {"compiler", container.compiler}, {"soc", container.soc}, {"cann", container.cann}, {"precision_mode", container.precision_mode}, {"operators", std::move(operators)}};
  const std::string head_json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string result(cann::kVirtualOmMagic);
  result.reserve(result.size() + sizeof(Head) + head_json.size() + container.onnx.size());
  result.append(sizeof(Head), '\0');
  result += head_json;
  result += container.onnx;
  const size_t body = cann::kVirtualOmMagic.size() + sizeof(Head);
  const Head head{head_json.size(), container.onnx.size(), content_hash(std::as_bytes(std::span(result)).subspan(body))};
  std::memcpy(result.data() + cann::kVirtualOmMagic.size(), &head, sizeof head);
  return result;
}

Container parse_container(std::string_view bytes) {
  Head head{};
  const std::string_view body = checked_body(bytes, head);
  Container result;
  try {
    const Json json = Json::parse(body.substr(0, head.json_bytes));
    if (const int version = json.at("version"); version != kVersion) fail(ErrorCode::invalid_model, "it is of version {}, but {} is what this virtual CANN reads: compile it again", version, kVersion);
    result.compiler = json.at("compiler");
    result.soc = json.at("soc");
    result.cann = json.at("cann");
    result.precision_mode = json.at("precision_mode");
    for (const Json& each : json.at("operators")) {
      result.operators.push_back({each.at("name"), each.at("type"), each.at("ms")});
      if (const double ms = result.operators.back().ms; !(ms >= 0 && ms < kMostMs)) fail(ErrorCode::invalid_model, "an operator of it is said to take {} ms", ms);
    }
  } catch (const Json::exception& wrong) {
    fail(ErrorCode::invalid_model, "its description cannot be read: {}", wrong.what());
  }
  result.onnx = body.substr(head.json_bytes);
  return result;
}

}  // namespace ropeway::virtual_npu
