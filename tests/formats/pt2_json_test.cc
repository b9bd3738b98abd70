// JSON from files that nobody vouches for.
#include "formats/pt2/json.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace ropeway {
namespace {

using test::expect_error;

void refuses(const std::string& text, const std::string& part) {
  expect_error([&] { parse_json(text, "model.json"); }, ErrorCode::invalid_model, "model.json");
  expect_error([&] { parse_json(text, "model.json"); }, ErrorCode::invalid_model, part);
}

TEST(Pt2Json, Parses) {
  const Json json = parse_json(R"({"a": [1, -2.5, true, null], "b": {"a": "\u00e9"}})", "model.json");
  EXPECT_EQ(json["a"][1], -2.5);
  EXPECT_EQ(json["b"]["a"], "é");
}

TEST(Pt2Json, RefusesWhatIsNone) {
  for (const std::string text : {"", "{", "{\"a\": 1,}", "{} {}", "[1, 2", "{'a': 1}", "[NaN]", "[Infinity]", "[01]", "\"\xff\"", "\"\n\"", "// comment\n1"}) refuses(text, "is no JSON");
  refuses(std::string("[1]\0{", 5), "is no JSON: it contains a NUL character");
  refuses("[1e999]", "is no JSON");  // no double holds it
}

TEST(Pt2Json, RefusesKeysThatAreThereTwice) {
  refuses(R"({"a": 1, "b": 2, "a": 3})", "has the key \"a\" twice in one object");
  refuses(R"({"a": 1, "\u0061": 3})", "has the key \"a\" twice in one object");
  refuses(R"([{"x": {"a": {}, "a": {}}}])", "has the key \"a\" twice");
  EXPECT_EQ(parse_json(R"([{"a": {"a": 1}, "b": {"a": 2}}, {"a": 3}])", "model.json")[1]["a"], 3);
}

TEST(Pt2Json, RefusesDepthAndSizeBeyondReason) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(100), "model.json").is_array());
  refuses(nested(200), "is nested more than 100 deep");
  refuses(std::string(1'000'000, '['), "is nested more than 100 deep");
  refuses(std::string((size_t{1} << 28) + 1, ' '), "has 268.4 MB");
}

TEST(Pt2Json, TaggedValuesHaveOneMember) {
  const Json json = parse_json(R"({"as_int": 3})", "model.json");
  const Tagged value = tagged(json);
  EXPECT_EQ(value.tag, "as_int");
  EXPECT_EQ(value.value, 3);
  expect_error([] { tagged(Json::object()); }, ErrorCode::invalid_model, "has 0 members, not 1");
  expect_error([] { tagged({{"as_int", 1}, {"as_bool", true}}); }, ErrorCode::invalid_model, "has 2 members, not 1");
  expect_error([] { tagged(Json(3)); }, ErrorCode::invalid_model, "is no object, but number");
  expect_error([] { tagged(Json::array({1})); }, ErrorCode::invalid_model, "is no object, but array");
}

TEST(Pt2Json, MembersThatMayBeMissing) {
  const Json json = parse_json(R"({"a": 1, "b": null})", "model.json");
  EXPECT_EQ(*member(json, "a"), 1);
  EXPECT_EQ(member(json, "b"), nullptr);
  EXPECT_EQ(member(json, "c"), nullptr);
  EXPECT_EQ(member(Json(3), "a"), nullptr);
}

TEST(Pt2Json, WrongKindsBlameTheFile) {
  const Json json = parse_json(R"({"a": "text"})", "model.json");
  EXPECT_EQ(reading("model.json", [&] { return json.at("a").get<std::string>(); }), "text");
  expect_error([&] { reading("model.json", [&] { return json.at("a").get<int>(); }); }, ErrorCode::invalid_model, "model.json is not as torch.export.save writes it");
  expect_error([&] { reading("model.json", [&] { return json.at("b"); }); }, ErrorCode::invalid_model, "model.json is not as torch.export.save writes it");
}

}  // namespace
}  // namespace ropeway
