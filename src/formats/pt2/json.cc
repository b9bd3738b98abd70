#include "formats/pt2/json.h"

#include <limits>
#include <set>
#include <vector>

namespace ropeway {
namespace {

constexpr size_t kMaxDepth = 100;
constexpr size_t kMaxSize = size_t{1} << 28;

// What the parser lets pass. A parser that calls back for every value would do in one go, but takes time that grows with the square of a list's length.
class Checker final : public nlohmann::json_sax<Json> {
 public:
  explicit Checker(const std::string& what) : what_(what) {}

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(int64_t) override { return value(); }
  bool number_unsigned(uint64_t) override { return value(); }
  bool number_float(double, const std::string&) override { return value(); }
  bool string(std::string&) override { return value(); }
  bool binary(Json::binary_t&) override { return value(); }
  bool start_object(size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    if (!keys_.back().insert(name).second) fail(ErrorCode::invalid_model, "{} has the key {} twice in one object", what_, Json(name).dump());
    return true;
  }
  bool parse_error(size_t, const std::string&, const Json::exception&) override { return false; }  // for the parser proper to say

 private:
  bool value() const {
    if (keys_.size() > kMaxDepth) fail(ErrorCode::invalid_model, "{} is nested more than {} deep", what_, kMaxDepth);
    return true;
  }
  bool open() {
    value();
    keys_.emplace_back();
    return true;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  const std::string& what_;
  std::vector<std::set<std::string>> keys_;  // of the objects and lists that are open
};

}  // namespace

Json parse_json(std::string_view text, const std::string& what) {
  if (text.size() > kMaxSize) fail(ErrorCode::invalid_model, "{} has {}, more than any model's description", what, readable_bytes(static_cast<double>(text.size())));
  if (text.find('\0') != std::string_view::npos) fail(ErrorCode::invalid_model, "{} is no JSON: it contains a NUL character", what);  // where the parser would stop
  Checker checker(what);
  try {
    Json::sax_parse(text, &checker);
    return Json::parse(text);
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
