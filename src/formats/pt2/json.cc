#include "formats/pt2/json.h"

#include <limits>
#include <set>
#include <vector>

namespace ropeway {
namespace {

constexpr int kMaxDepth = 100;
constexpr size_t kMaxSize = size_t{1} << 28;

}  // namespace

Json parse_json(std::string_view text, const std::string& what) {
  if (text.size() > kMaxSize) fail(ErrorCode::invalid_model, "{} has {}, more than any model's description", what, readable_bytes(static_cast<double>(text.size())));
  if (text.find('\0') != std::string_view::npos) fail(ErrorCode::invalid_model, "{} is no JSON: it contains a NUL character", what);  // where the parser would stop
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) fail(ErrorCode::invalid_model, "{} is nested more than {} deep", what, kMaxDepth);
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get_ref<const std::string&>()).second) {
      fail(ErrorCode::invalid_model, "{} has the key {} twice in one object", what, parsed.dump());
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& error) {  // of syntax, or a number beyond double precision
    fail(ErrorCode::invalid_model, "{} is no JSON: {}", what, error.what());
  }
}

Tagged tagged(const Json& object) {
  if (!object.is_object()) fail(ErrorCode::invalid_model, "one of torch's tagged values is no object, but {}", object.type_name());
  if (object.size() != 1) fail(ErrorCode::invalid_model, "one of torch's tagged values has {} members, not 1", object.size());
  return {object.begin().key(), object.begin().value()};
}

const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

double number_of(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const std::string& word = value.get_ref<const std::string&>();
  if (word == "Infinity") return std::numeric_limits<double>::infinity();
  if (word == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  fail(ErrorCode::invalid_model, "'{}' is no number", word);
}

}  // namespace ropeway
